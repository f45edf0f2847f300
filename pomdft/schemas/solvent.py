"""Continuum solvents: the parameters that, with a solute's atoms, fix the solvation energy.

The cavity is where an effective repulsive potential of the solute's atoms,

    u(r) = u0 sum_a (R_a / |r - r_a|)^12,

lets the solvent in, g(r) = exp(-u(r) / kT); the permittivity is 1 + (eps - 1) g(r), and cavity
formation and short-range interactions cost the surface tension times the cavity's surface.

References
----------
A. Held, M. Walter, J. Chem. Phys. 141, 174108 (2014), doi:10.1063/1.4900838: model, u0, surface
tension and the radius of hydrogen, fitted to neutral molecules in water. Radii of the main group
and of Ni, Cu, Pd, Ag, Pt, Au: A. Bondi, J. Phys. Chem. 68, 441 (1964), doi:10.1021/j100785a001;
M. Mantina et al., J. Phys. Chem. A 113, 5806 (2009), doi:10.1021/jp8111556 (B, Ge; As is Bondi's).
Other metals, for which Bondi has none: half the van der Waals distance of the universal force
field, A. K. Rappe et al., J. Am. Chem. Soc. 114, 10024 (1992), doi:10.1021/ja00051a040.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pomdft.errors import InputError, UnknownNameError

SolventName = Literal["water"]

#: Radii in angstrom; see the module's references.
RADII_ANGSTROM: Final[dict[str, float]] = {
    "H": 1.09,
    "Li": 1.82, "B": 1.92, "C": 1.70, "N": 1.55, "O": 1.52, "F": 1.47,
    "Na": 2.27, "Si": 2.10, "P": 1.80, "S": 1.80, "Cl": 1.75,
    "K": 2.75, "Ge": 2.11, "As": 1.85, "Br": 1.85, "I": 1.98,
    "Ni": 1.63, "Cu": 1.40, "Zn": 1.39, "Pd": 1.63, "Ag": 1.72, "Pt": 1.75, "Au": 1.66,
    "Co": 1.436, "Fe": 1.456, "Rh": 1.4645, "Ru": 1.4815, "Ir": 1.420, "Mo": 1.526, "W": 1.5345,
}  # fmt: skip


@dataclass(frozen=True)
class Solvent:
    """A continuum solvent.

    Attributes
    ----------
    name : str
        E.g. "water".
    relative_permittivity : float
        Of the bulk solvent.
    potential_ev : float
        u0, the repulsive potential at an atom's radius, eV.
    surface_tension_n_per_m : float
        Effective, with all short-range interactions, N/m.
    temperature_k : float
        Of the Boltzmann factor, kelvin.
    poisson_residual : float
        At which the Poisson solver stops. GPAW's default of 2e-10 takes twice the time; for H2O
        and H3O+ the energies differ by 0.1 meV, as much as by the convergence of the SCF.
    radii_angstrom : dict of str
        Element to radius, angstrom.
    """

    name: str
    relative_permittivity: float
    potential_ev: float
    surface_tension_n_per_m: float
    temperature_k: float
    poisson_residual: float = 1e-7
    radii_angstrom: dict[str, float] = field(default_factory=lambda: dict(RADII_ANGSTROM))

    def canonical(self, symbols: Iterable[str] = ()) -> dict[str, Any]:
        """Return what identifies the solvent: its parameters, and the radii of these elements.

        Raises
        ------
        InputError
            There is no radius for an element.
        """
        return {
            "model": "Held-Walter",
            "name": self.name,
            "relative_permittivity": self.relative_permittivity,
            "potential_ev": self.potential_ev,
            "surface_tension_n_per_m": self.surface_tension_n_per_m,
            "temperature_k": self.temperature_k,
            "poisson_residual": self.poisson_residual,
            "radii_angstrom": self.radii_of(symbols),
        }

    def radii_of(self, symbols: Iterable[str]) -> dict[str, float]:
        """Return the radii of elements, angstrom, sorted by symbol.

        Raises
        ------
        InputError
            There is none for an element.
        """
        elements = sorted(set(symbols))
        missing = [element for element in elements if element not in self.radii_angstrom]
        if missing:
            raise InputError(
                f"There is no cavity radius of {', '.join(missing)} in {self.name}.",
                f"Known: {', '.join(sorted(self.radii_angstrom))}. Set level.solvent: null.",
            )
        return {element: self.radii_angstrom[element] for element in elements}


SOLVENTS: Final[dict[str, Solvent]] = {
    "water": Solvent(
        name="water",
        relative_permittivity=78.36,
        potential_ev=0.180,
        surface_tension_n_per_m=18.4e-3,
        temperature_k=298.15,
    )
}


def find_solvent(name: str) -> Solvent:
    """Return a solvent by name.

    Raises
    ------
    UnknownNameError
        There is no such solvent; the known ones are listed.
    """
    if name not in SOLVENTS:
        raise UnknownNameError("solvent", name, SOLVENTS)
    return SOLVENTS[name]
