"""Papers behind the predictions, printed in every report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Citation:
    """A paper.

    Attributes
    ----------
    text : str
        Authors, journal, year.
    doi : str
        Digital object identifier; empty for books.
    use : str
        What it is used for here.
    """

    text: str
    doi: str
    use: str


CITATIONS = (
    Citation(
        "A. V. Ruban, H. L. Skriver, J. K. Nørskov, Phys. Rev. B 59, 15990 (1999)",
        "10.1103/PhysRevB.59.15990",
        "calibration of the segregation model; surface energies",
    ),
    Citation(
        "F. R. de Boer, R. Boom, W. C. M. Mattens, A. R. Miedema, A. K. Niessen, "
        "Cohesion in Metals, North-Holland (1988)",
        "",
        "mixing enthalpies of pairs that were not measured",
    ),
    Citation(
        "R. Hultgren, P. D. Desai, D. T. Hawkins, M. Gleiser, K. K. Kelley, Selected Values of the "
        "Thermodynamic Properties of Binary Alloys, American Society for Metals (1973)",
        "",
        "measured mixing enthalpies",
    ),
    Citation(
        "T. B. Massalski (ed.), Binary Alloy Phase Diagrams, 2nd ed., ASM (1990)",
        "",
        "critical temperatures of miscibility gaps",
    ),
    Citation(
        "K. Binder, Phys. Rev. Lett. 45, 811 (1980)",
        "10.1103/PhysRevLett.45.811",
        "ordering temperature of the fcc lattice with nearest-neighbour bonds",
    ),
    Citation(
        "Z. Yan, M. G. Taylor, A. Mascareno, G. Mpourmpakis, Nano Lett. 18, 2696 (2018)",
        "10.1021/acs.nanolett.8b00670",
        "bond-centric lattice energies",
    ),
    Citation(
        "K. Hukushima, K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996)",
        "10.1143/JPSJ.65.1604",
        "parallel tempering",
    ),
    Citation(
        "C. Tojo, D. Buceta, M. A. López-Quintela, Catalysts 7, 68 (2017)",
        "10.3390/catal7020068",
        "co-reduction: separation of two salts in time",
    ),
    Citation(
        "B. Hammer, J. K. Nørskov, Adv. Catal. 45, 71 (2000)",
        "10.1016/S0360-0564(02)45013-4",
        "d-band model",
    ),
    Citation(
        "J. R. Kitchin, J. K. Nørskov, M. A. Barteau, J. G. Chen, "
        "Phys. Rev. Lett. 93, 156801 (2004)",
        "10.1103/PhysRevLett.93.156801",
        "ligand and strain effect",
    ),
    Citation(
        "H. Falsig et al., Angew. Chem. Int. Ed. 47, 4835 (2008)",
        "10.1002/anie.200801479",
        "CO oxidation: adsorption energies, scaling and BEP relations",
    ),
    Citation(
        "J. S. Yoo, F. Abild-Pedersen, J. K. Nørskov, F. Studt, ACS Catal. 4, 1226 (2014)",
        "10.1021/cs400664z",
        "formic acid: adsorption energies",
    ),
)
