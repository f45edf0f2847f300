"""How far the d-band centre of a surface depends on where the band is cut off.

    python workflows/dband_window.py [METAL ...]      # by default Cu Pd Ir Ru; minutes each
    python workflows/dband_window.py Ni --nonmagnetic

Computes the shipped slabs again, from their archived inputs, and writes a table: published centres
are first moments up to an upper end that is often not given, and metals with many empty d states
depend on it most. Nor is it always said whether a magnetic metal was computed as one.
"""

import sys
from argparse import ArgumentParser

import pandas as pd
from gpaw import GPAW

from pomdft.calculations.engines import make_atoms
from pomdft.calculations.projections import read_projections
from pomdft.calculations.properties import D_BAND_BROADENING_EV, D_BAND_RANGE_EV
from pomdft.errors import PomdftError, UnknownNameError
from pomdft.schemas.dband import DBand
from pomdft.store.documents import load_reference_documents
from pomdft.store.reference import read_archived
from pomdft.structures.crystals import close_packed_facet

LOWER_END_EV, _ = D_BAND_RANGE_EV
UPPER_ENDS_EV = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)


def cut_off(metal: str, *, nonmagnetic: bool = False) -> pd.Series:
    """Return the centre of the surface atom's d-band (eV, Fermi level 0) by upper end (eV)."""
    facet = close_packed_facet(metal)
    shipped = {(band.metal, band.facet): band for band in load_reference_documents(DBand)}
    if (metal, facet) not in shipped:
        raise UnknownNameError("metal", metal, [known for known, _ in shipped])
    band = shipped[metal, facet]
    (key,) = band.calculations.values()
    request = read_archived(key).request
    atoms = make_atoms(request)
    if nonmagnetic:
        atoms.set_initial_magnetic_moments(None)
    atoms.calc = GPAW(**request.level.parameters, txt=None)
    atoms.get_potential_energy()
    states = read_projections(atoms.calc)
    (site,) = (i for i, atom in enumerate(states.atoms) if atom == band.sites[-1].index)
    centres = {}
    for end in UPPER_ENDS_EV:
        moments = states.moments(window_ev=(LOWER_END_EV, end), broadening_ev=D_BAND_BROADENING_EV)
        centres[end] = moments.center_ev[site]
    return pd.Series(centres, name=f"{metal}({band.facet})")


if __name__ == "__main__":
    parser = ArgumentParser(description="Centres of d-bands by upper end of the band.")
    parser.add_argument("metals", nargs="*", default=["Cu", "Pd", "Ir", "Ru"])
    parser.add_argument("--nonmagnetic", action="store_true", help="without spin polarisation")
    given = parser.parse_args()
    try:
        rows = [cut_off(metal, nonmagnetic=given.nonmagnetic) for metal in given.metals]
        table = pd.DataFrame(rows)
    except PomdftError as error:
        sys.exit(f"error: {error}")
    print("centre (eV, Fermi level 0) by upper end (eV):")
    print(table.round(2).to_string())
