"""Members of the BEEF-vdW ensemble, out of the terms that they weigh differently."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Exchange and correlation terms of one calculation that the members weigh differently.
N_BEEF_TERMS: Final = 32
#: Members of the ensemble, and the seed of their coefficients (those of ase.dft.bee).
N_MEMBERS: Final = 2000
SEED: Final = 0


@lru_cache(maxsize=4)
def ensemble_coefficients(n_members: int = N_MEMBERS, seed: int = SEED) -> NDArray[np.float64]:
    """Return the coefficients of the members, shape (n_members, 32), for terms in eV; read only.

    Times the terms of an energy they are how far each member is from the functional itself.

    Parameters
    ----------
    n_members : int
    seed : int
        Same seed, same members, so that they can be subtracted one by one.

    References
    ----------
    J. Wellendorff et al., Phys. Rev. B 85, 235149 (2012), doi:10.1103/PhysRevB.85.235149.
    """
    from ase.dft.bee import BEEFEnsemble

    ensemble = BEEFEnsemble(None, 0.0, np.zeros(N_BEEF_TERMS), "BEEF-vdW", verbose=False)
    coefficients = np.asarray(
        ensemble.get_beefvdw_ensemble_coefs(n_members, seed), dtype=np.float64
    )
    coefficients.flags.writeable = False
    return coefficients


def fit_terms(shifts_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 32 terms in eV that give all members, from how far each is from the functional, eV.

    Parameters
    ----------
    shifts_ev : ndarray, shape (2000,)
    """
    terms, *_ = np.linalg.lstsq(ensemble_coefficients(len(shifts_ev)), shifts_ev, rcond=None)
    return np.asarray(terms, dtype=np.float64)
