"""How far the d-band centre of a surface depends on where the band is cut off.

    python workflows/dband_window.py [METAL ...]      # by default Cu Pd Ir Ru; minutes each

Computes the shipped slabs again, from their archived inputs, and writes a table: published centres
are first moments up to an upper end that is often not given, and metals with many empty d states
depend on it most.
"""

import sys

import pandas as pd
from gpaw import GPAW

from pomdft.calculations.engines import make_atoms
from pomdft.calculations.projections import read_projections
from pomdft.schemas.dband import DBand
from pomdft.store.documents import load_reference_documents
from pomdft.store.reference import read_archived

LOWER_END_EV = -15.0
UPPER_ENDS_EV = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
BROADENING_EV = 0.1


def cut_off(metal: str) -> pd.Series:
    """Return the centre of the surface atom's d-band (eV, Fermi level 0) by upper end (eV)."""
    (band,) = (band for band in load_reference_documents(DBand) if band.metal == metal)
    (key,) = band.calculations.values()
    request = read_archived(key).request
    atoms = make_atoms(request)
    atoms.calc = GPAW(**request.level.parameters, txt=None)
    atoms.get_potential_energy()
    states = read_projections(atoms.calc)
    (site,) = (i for i, atom in enumerate(states.atoms) if atom == band.sites[-1].index)
    centres = {
        end: states.moments(window_ev=(LOWER_END_EV, end), broadening_ev=BROADENING_EV).center_ev[
            site
        ]
        for end in UPPER_ENDS_EV
    }
    return pd.Series(centres, name=f"{metal}({band.facet})")


if __name__ == "__main__":
    table = pd.DataFrame([cut_off(metal) for metal in sys.argv[1:] or ("Cu", "Pd", "Ir", "Ru")])
    print("centre (eV, Fermi level 0) by upper end (eV):")
    print(table.round(2).to_string())
