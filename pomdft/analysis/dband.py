"""The d-band of metal atoms: centre, width, filling and upper edge.

Energies are relative to the Fermi level. A centre closer to it (less negative) binds adsorbates
more strongly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.errors import InputError
from pomdft.kernels.dband import (
    DBandMoments,
    Window,
    moments_from_grid,
    moments_from_projections,
)

if TYPE_CHECKING:
    from pymatgen.electronic_structure.dos import CompleteDos


@dataclass(frozen=True)
class DBand:
    """The d-band of an atom, or of several taken together.

    Parameters
    ----------
    center_ev : float
        First moment relative to the Fermi level (eV).
    width_ev : float
        Square root of the second central moment (eV).
    filling : float
        Occupied share, 0 to 1.
    upper_edge_ev : float or None
        Highest peak of the Hilbert transform (eV); None where it was not asked for.
    weight : float
        Integral of the density of states (states): near 10 for a whole band, unnormalised
        projections making it differ.
    window_ev : tuple of float or None
        Energies (eV) the moments are over; None for the whole band.
    source : str
        Where the density of states came from.
    site : str
        Which atom or atoms.
    """

    center_ev: float
    width_ev: float
    filling: float
    upper_edge_ev: float | None
    weight: float
    window_ev: Window | None
    source: str
    site: str

    def __repr__(self) -> str:
        edge = "" if self.upper_edge_ev is None else f", upper edge {self.upper_edge_ev:.3f} eV"
        window = (
            "whole band" if self.window_ev is None else "{:g} to {:g} eV".format(*self.window_ev)
        )
        return (
            f"DBand({self.site}: centre {self.center_ev:.3f} eV, width {self.width_ev:.3f} eV, "
            f"filling {self.filling:.3f}{edge}; {window}, {self.source})"
        )


@dataclass(frozen=True, eq=False)
class DBands:
    """The d-bands of several atoms of one calculation.

    Parameters
    ----------
    moments : DBandMoments
        One entry an atom.
    sites : tuple of str
        Name of each atom, such as ``"Pd3"``.
    window_ev : tuple of float or None
        Energies (eV) the moments are over; None for the whole band.
    source : str
        Where the densities of states came from.
    """

    moments: DBandMoments
    sites: tuple[str, ...]
    window_ev: Window | None
    source: str

    def __len__(self) -> int:
        return len(self.sites)

    def __getitem__(self, index: int) -> DBand:
        m = self.moments
        return DBand(
            center_ev=float(m.center_ev[index]),
            width_ev=float(m.width_ev[index]),
            filling=float(m.filling[index]),
            upper_edge_ev=None if m.upper_edge_ev is None else float(m.upper_edge_ev[index]),
            weight=float(m.weight[index]),
            window_ev=self.window_ev,
            source=self.source,
            site=self.sites[index],
        )

    def __iter__(self) -> Iterator[DBand]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"DBands({len(self)} sites, mean centre {self.mean().center_ev:.3f} eV)"

    def mean(self) -> DBand:
        """Return the band of the atoms taken together: the moments of the summed densities.

        Returns
        -------
        DBand
            Its weight is the mean over the atoms; its upper edge, which is not additive, is None
            unless there is one atom only.
        """
        if len(self) == 1:
            return self[0]
        m = self.moments
        share = m.weight / m.weight.sum()
        center = float(share @ m.center_ev)
        variance = float(share @ (m.width_ev**2 + (m.center_ev - center) ** 2))
        return DBand(
            center_ev=center,
            width_ev=float(np.sqrt(variance)),
            filling=float(share @ m.filling),
            upper_edge_ev=None,
            weight=float(m.weight.mean()),
            window_ev=self.window_ev,
            source=self.source,
            site=f"{len(self)} sites",
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row an atom, indexed by its name."""
        table = self.moments.to_dataframe()
        table.index = pd.Index(self.sites, name="site")
        return table


def read_arrays(
    densities: npt.ArrayLike,
    energies_ev: npt.ArrayLike,
    *,
    sites: Sequence[str] | None = None,
    window_ev: Window | None = None,
    upper_edge: bool = True,
    source: str = "arrays",
) -> DBands:
    """Return the d-bands of projected densities of states on a grid.

    Parameters
    ----------
    densities : array_like of float64 or float32, shape (n_sites, n_channels, n_energies)
        d-projected densities (states/eV), the channels being orbitals and spins.
    energies_ev : array_like of float64, shape (n_energies,)
        Relative to the Fermi level (eV), ascending.
    sites : sequence of str, optional
        Names; ``site 0`` and so on where not given.
    window_ev : tuple of float, optional
        Lowest and highest energy (eV); all where not given.
    upper_edge : bool
        Whether the upper edge is computed too.
    source : str
        Where the densities came from.

    Returns
    -------
    DBands
        Of each site.

    Raises
    ------
    KernelInputError
        An array has the wrong dtype, shape or content.
    InputError
        There are not as many names as sites.
    """
    moments = moments_from_grid(densities, energies_ev, window_ev=window_ev, upper_edge=upper_edge)
    return DBands(moments, _names(sites, len(moments)), window_ev, source)


def read_projections(
    projections: npt.ArrayLike,
    eigenvalues_ev: npt.ArrayLike,
    state_weights: npt.ArrayLike,
    *,
    sites: Sequence[str] | None = None,
    occupations: npt.ArrayLike | None = None,
    window_ev: Window | None = None,
    broadening_ev: float = 0.1,
    upper_edge: bool = True,
    source: str = "projections",
) -> DBands:
    """Return the d-bands straight from the projections of the states.

    Parameters
    ----------
    projections : array_like, shape (n_sites, n_channels, n_states)
        Onto d orbitals, real or complex.
    eigenvalues_ev : array_like of float64, shape (n_states,)
        Relative to the Fermi level (eV).
    state_weights : array_like of float64, shape (n_states,)
        Weight of the k-point times the spin degeneracy.
    sites : sequence of str, optional
        Names; ``site 0`` and so on where not given.
    occupations : array_like of float64, shape (n_states,), optional
        0 to 1, for the filling.
    window_ev : tuple of float, optional
        Lowest and highest energy (eV); all where not given.
    broadening_ev : float
        Standard deviation of the states' Gaussians (eV); it adds to the width in quadrature.
    upper_edge : bool
        Whether the upper edge is computed too.
    source : str
        Where the projections came from.

    Returns
    -------
    DBands
        Of each site.

    Raises
    ------
    KernelInputError
        An array has the wrong dtype, shape or content.
    InputError
        There are not as many names as sites.
    """
    moments = moments_from_projections(
        projections,
        eigenvalues_ev,
        state_weights,
        window_ev=window_ev,
        broadening_ev=broadening_ev,
        occupations=occupations,
        upper_edge=upper_edge,
    )
    return DBands(moments, _names(sites, len(moments)), window_ev, source)


def read_complete_dos(
    dos: CompleteDos,
    *,
    sites: Sequence[int] | None = None,
    window_ev: Window | None = None,
    upper_edge: bool = True,
    source: str = "pymatgen CompleteDos",
) -> DBands:
    """Return the d-bands of a pymatgen `CompleteDos`.

    Parameters
    ----------
    dos : CompleteDos
        With projections onto d orbitals, by magnetic quantum number or summed.
    sites : sequence of int, optional
        Indices into the structure; all sites with d projections where not given.
    window_ev : tuple of float, optional
        Lowest and highest energy (eV) relative to the Fermi level; all where not given.
    upper_edge : bool
        Whether the upper edge is computed too.
    source : str
        Where the densities came from.

    Returns
    -------
    DBands
        Of each site, both spins together.

    Raises
    ------
    InputError
        A site has no d projections, or none has.
    KernelInputError
        The densities are not finite, the energies unsorted or a site is without weight.
    """
    everywhere = [_d_densities(dos, i) for i in range(len(dos.structure))]
    chosen = [i for i, d in enumerate(everywhere) if d] if sites is None else list(sites)
    if not chosen:
        raise InputError("dos: no site has projections onto d orbitals.")
    for i in chosen:
        if not 0 <= i < len(everywhere) or not everywhere[i]:
            raise InputError(
                f"sites: site {i} has no projections onto d orbitals.",
                f"Those with: {', '.join(str(k) for k, d in enumerate(everywhere) if d)}.",
            )
    energies = np.asarray(dos.energies, dtype=np.float64) - float(dos.efermi)
    data = np.zeros((len(chosen), max(len(everywhere[i]) for i in chosen), len(energies)))
    for row, i in enumerate(chosen):
        data[row, : len(everywhere[i])] = everywhere[i]
    names = [f"{dos.structure[i].species_string}{i}" for i in chosen]
    return read_arrays(
        data,
        energies,
        sites=names,
        window_ev=window_ev,
        upper_edge=upper_edge,
        source=source,
    )


def _d_densities(dos: CompleteDos, index: int) -> list[npt.NDArray[np.float64]]:
    from pymatgen.electronic_structure.core import Orbital, OrbitalType

    found = []
    for orbital, by_spin in dos.pdos.get(dos.structure[index], {}).items():
        kind = orbital.orbital_type if isinstance(orbital, Orbital) else orbital
        if kind == OrbitalType.d:
            found += [np.asarray(values, dtype=np.float64) for values in by_spin.values()]
    return found


def _names(sites: Sequence[str] | None, n: int) -> tuple[str, ...]:
    if sites is None:
        return tuple(f"site {i}" for i in range(n))
    if len(sites) != n:
        raise InputError(f"sites: got {len(sites)} names for {n} sites.")
    return tuple(sites)
