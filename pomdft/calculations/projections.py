"""Eigenvalues and projections onto atomic orbitals, read from a GPAW calculation."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomdft.errors import CalculationError, CorruptDocumentError, InputError
from pomdft.kernels.dband import DBandMoments, Window, moments_from_projections

_LETTERS = "spdf"
_ARRAYS = ("atoms", "projections", "eigenvalues_ev", "state_weights", "occupations")


@dataclass(frozen=True, eq=False)
class StateProjections:
    """Projections of all states onto the orbitals of some atoms.

    Parameters
    ----------
    atoms : ndarray of int64, shape (n_atoms,)
        Atoms' indices in the structure.
    projections : ndarray of float64 or complex128, shape (n_atoms, n_channels, n_states)
        Onto the bound-state projectors, zero in channels an atom does not have; states run over
        spin, then k-point, then band.
    eigenvalues_ev : ndarray of float64, shape (n_states,)
        Relative to the Fermi level (eV).
    state_weights : ndarray of float64, shape (n_states,)
        Weight of the k-point times the spin degeneracy.
    occupations : ndarray of float64, shape (n_states,)
        0 to 1.
    """

    atoms: NDArray[np.int64]
    projections: NDArray[np.float64] | NDArray[np.complex128]
    eigenvalues_ev: NDArray[np.float64]
    state_weights: NDArray[np.float64]
    occupations: NDArray[np.float64]

    def __repr__(self) -> str:
        n_atoms, n_channels, n_states = self.projections.shape
        return f"StateProjections({n_atoms} atoms, {n_channels} channels, {n_states} states)"

    def moments(
        self,
        *,
        window_ev: Window | None = None,
        broadening_ev: float = 0.0,
        upper_edge: bool = False,
    ) -> DBandMoments:
        """Return the band's moments at each atom.

        Parameters
        ----------
        window_ev : tuple of float, optional
            Lowest and highest energy (eV) relative to the Fermi level; the whole band where not
            given.
        broadening_ev : float
            Standard deviation of the states' Gaussians (eV).
        upper_edge : bool
            Whether the upper edge is computed too, which needs a broadening.

        Returns
        -------
        DBandMoments
            The filling is that of the calculation's occupations.
        """
        return moments_from_projections(
            self.projections,
            self.eigenvalues_ev,
            self.state_weights,
            window_ev=window_ev,
            broadening_ev=broadening_ev,
            occupations=self.occupations,
            upper_edge=upper_edge,
        )

    def write(self, path: Path) -> None:
        """Write the arrays to a compressed .npz file, whole or not at all."""
        partial = path.with_name(path.name + ".partial.npz")
        np.savez_compressed(partial, **{name: getattr(self, name) for name in _ARRAYS})
        os.replace(partial, path)  # noqa: PTH105 - the rename has to be the atomic one

    @classmethod
    def read(cls, path: Path) -> StateProjections:
        """Return what `write` has written.

        Raises
        ------
        CorruptDocumentError
            The file is missing, truncated or something else.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return cls(**{name: stored[name] for name in _ARRAYS})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise CorruptDocumentError(
                f"{path}: not a file of projections ({error}).", "Run the calculation again."
            ) from error


def read_projections(
    calculator: Any, atoms: list[int] | None = None, angular_momentum: int = 2
) -> StateProjections:
    """Return the projections of a finished GPAW calculation, old or new implementation.

    All ranks of a parallel calculation have to call it; all get the whole arrays.

    Parameters
    ----------
    calculator : gpaw.GPAW
        With wave functions: after a calculation in the same process, or restarted from a file
        written with mode "all" or with the projections.
    atoms : list of int, optional
        Indices; all atoms with orbitals of that angular momentum where not given.
    angular_momentum : int
        0 to 3; 2 for the d-band.

    Returns
    -------
    StateProjections
        Not normalised: the projections onto PAW partial waves, as in GPAW's own projected
        density of states.

    Raises
    ------
    InputError
        An index is out of range, an atom lacks such orbitals, or no atom has them.
    CalculationError
        The calculation is non-collinear.
    """
    if not 0 <= angular_momentum < len(_LETTERS):
        raise InputError(f"angular_momentum: is {angular_momentum}, must be 0 to 3.")
    letter = _LETTERS[angular_momentum]
    setups = calculator.setups
    with_orbitals = {a: _bound_projectors(s, angular_momentum) for a, s in enumerate(setups)}
    chosen = [a for a, i in with_orbitals.items() if i] if atoms is None else list(atoms)
    if not chosen:
        raise InputError(f"atoms: no atom has a {letter} orbital.")
    for a in chosen:
        if a not in with_orbitals:
            raise InputError(f"atoms: {a} is outside 0 to {len(with_orbitals) - 1}.")
        if not with_orbitals[a]:
            raise InputError(f"atoms: {setups[a].symbol} (atom {a}) has no {letter} orbital.")
    waves = calculator.wfs
    points = waves.kd
    bands = waves.bd.nbands
    n_spins, n_points = points.nspins, points.nibzkpts
    if n_spins not in (1, 2) or getattr(waves, "collinear", True) is False:
        raise CalculationError("calculator: non-collinear calculations have no d-band by spin.")
    channels = max(len(with_orbitals[a]) for a in chosen)
    wide = np.zeros((len(chosen), channels, n_spins, n_points, bands), dtype=waves.dtype)
    own_bands = waves.bd.get_slice()
    for wave in waves.kpt_u:
        local = wave.projections
        for row, a in enumerate(chosen):
            if a in local:
                indices = with_orbitals[a]
                wide[row, : len(indices), wave.s, wave.k, own_bands] = local[a][:, indices].T
    calculator.world.sum(wide)
    pairs = [(s, k) for s in range(n_spins) for k in range(n_points)]
    eigenvalues = np.concatenate([calculator.get_eigenvalues(kpt=k, spin=s) for s, k in pairs])
    occupations = np.concatenate(
        [calculator.get_occupation_numbers(kpt=k, spin=s, raw=True) for s, k in pairs]
    )
    weights = np.asarray(points.weight_k, dtype=np.float64) * (2.0 / n_spins)
    return StateProjections(
        atoms=np.array(chosen, dtype=np.int64),
        projections=wide.reshape(len(chosen), channels, -1),
        eigenvalues_ev=eigenvalues - calculator.get_fermi_level(),
        state_weights=np.tile(np.repeat(weights, bands), n_spins),
        occupations=np.clip(occupations, 0.0, 1.0),
    )


def _bound_projectors(setup: Any, angular_momentum: int) -> list[int]:
    # Projectors without a principal quantum number belong to unbound partial waves.
    indices: list[int] = []
    first = 0
    for principal, momentum in zip(setup.n_j, setup.l_j, strict=True):
        last = first + 2 * momentum + 1
        if momentum == angular_momentum and principal >= 0:
            indices += range(first, last)
        first = last
    return indices
