"""Lattices of particles and slabs: sites, the 12-neighbour table, coordination and shells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError, UnknownNameError
from pomdft.kernels import compiled, reference_lattice, shapes, site_grids
from pomdft.kernels.checks import check_array, check_range

SHAPES = (
    "cuboctahedron",
    "truncated-octahedron",
    "icosahedron",
    "decahedron",
    "sphere",
    "slab",
)
MAX_SITES = 1_100_000
_TWINNED: dict[str, Callable[..., site_grids.SiteGrid]] = {
    "icosahedron": site_grids.icosahedron,
    "decahedron": site_grids.decahedron,
}
_CUT_FROM_FCC: dict[str, Callable[..., npt.NDArray[np.int32]]] = {
    "cuboctahedron": shapes.cuboctahedron,
    "truncated-octahedron": shapes.truncated_octahedron,
    "sphere": shapes.sphere,
}


@dataclass(frozen=True, eq=False)
class Lattice:
    """Sites of a particle or slab and their neighbours.

    Parameters
    ----------
    positions : ndarray of float64, shape (n, 3)
        In units of the nearest-neighbour distance.
    neighbours : ndarray of int32, shape (n, 12)
        Sites bonded to each site, filled from the left and padded with -1.
    shape : str
        Name of the shape.
    size : dict
        What the shape was built with, such as ``{"shells": 5}``.
    requested_atoms : int, optional
        Number of atoms asked for where the nearest size the shape comes in was taken.

    Attributes
    ----------
    coordination : ndarray of int8, shape (n,)
        Number of neighbours.
    shell : ndarray of int16, shape (n,)
        Layer counted from outside: 0 for the surface, 1 for the layer below it.

    Raises
    ------
    KernelInputError
        The neighbour table is not symmetric, not filled from the left, or names sites that do not
        exist.
    """

    positions: npt.NDArray[np.float64]
    neighbours: npt.NDArray[np.int32]
    shape: str
    size: dict[str, int | float | str] = field(default_factory=dict)
    requested_atoms: int | None = None
    coordination: npt.NDArray[np.int8] = field(init=False)
    shell: npt.NDArray[np.int16] = field(init=False)

    def __post_init__(self) -> None:
        positions = check_array("positions", self.positions, np.float64, (None, 3))
        n = len(positions)
        neighbours = check_array("neighbours", self.neighbours, np.int32, (n, 12))
        # The kernels trust these arrays: nobody may change them afterwards.
        positions, neighbours = (
            a.copy() if a.flags.writeable else a for a in (positions, neighbours)
        )
        check_range("neighbours", neighbours, -1, n)
        core = compiled.select("lattice", reference_lattice)
        fault = core.find_fault(neighbours)
        if fault >= 0:
            raise KernelInputError(
                f"neighbours: row {fault} ({neighbours[fault].tolist()}) is not filled from the "
                "left, names a site twice or itself, or names a site that does not name it."
            )
        self._keep(positions, neighbours)

    def _keep(self, positions: npt.NDArray[np.float64], neighbours: npt.NDArray[np.int32]) -> None:
        core = compiled.select("lattice", reference_lattice)
        coordination, shell = core.layer(neighbours)
        for name, array in (
            ("positions", positions),
            ("neighbours", neighbours),
            ("coordination", coordination),
            ("shell", shell),
        ):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def _built(
        cls,
        positions: npt.NDArray[np.float64],
        neighbours: npt.NDArray[np.int32],
        shape: str,
        size: dict[str, int | float | str],
        requested_atoms: int | None,
    ) -> Lattice:
        """Return a lattice of arrays that were built here and need no check."""
        lattice = object.__new__(cls)
        for name, value in (
            ("shape", shape),
            ("size", size),
            ("requested_atoms", requested_atoms),
        ):
            object.__setattr__(lattice, name, value)
        lattice._keep(positions, neighbours)
        return lattice

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.positions)

    @property
    def is_surface(self) -> npt.NDArray[np.bool_]:
        """Whether each site has fewer than 12 neighbours; bool, shape (n,)."""
        return self.coordination < 12

    @property
    def n_shells(self) -> int:
        """Number of shells."""
        return int(self.shell.max()) + 1

    @property
    def n_bonds(self) -> int:
        """Number of bonds, each counted once."""
        return int(self.coordination.sum(dtype=np.int64)) // 2

    def __repr__(self) -> str:
        size = ", ".join(f"{k}={v}" for k, v in self.size.items())
        asked = ""
        if self.requested_atoms not in (None, self.n_sites):
            asked = f", nearest size to the {self.requested_atoms} atoms asked for"
        return f"Lattice({self.n_sites} sites, {self.shape}{f' ({size})' if size else ''}{asked})"


def build_lattice(shape: str, n_atoms: int | None = None, **size: int | float | str) -> Lattice:
    """Return the lattice of a particle or slab.

    Parameters
    ----------
    shape : {"cuboctahedron", "truncated-octahedron", "icosahedron", "decahedron", "sphere", "slab"}
        Cuboctahedron, truncated octahedron, sphere and slab are cut from fcc.
    n_atoms : int, optional
        The nearest size the shape comes in is taken, and the lattice's repr says so.
    **size
        Instead of `n_atoms`: ``shells`` (cuboctahedron, icosahedron; 1 for 13 atoms);
        ``length`` and ``cutoff`` (truncated octahedron: atoms along the edge of the whole
        octahedron, layers cut at its vertices); ``p``, ``q``, ``r`` (Marks decahedron);
        ``radius`` (sphere, in nearest-neighbour distances, around an atom); ``layers`` (default
        6), ``width`` (atoms along both in-plane directions) and ``facet`` ("111" or "100") for a
        slab, which is periodic in the plane. ``layers`` and ``facet`` may go with `n_atoms`.

    Returns
    -------
    Lattice
        At most about 10^6 sites.

    Raises
    ------
    UnknownNameError
        `shape` is not known.
    KernelInputError
        A size is missing, unknown, too small or too large.
    """
    if shape not in SHAPES:
        raise UnknownNameError("shape", shape, SHAPES)
    if n_atoms is not None and not 1 <= n_atoms <= MAX_SITES:
        raise KernelInputError(f"n_atoms: is {n_atoms}, must be between 1 and {MAX_SITES}.")
    if shape == "slab":
        return _build_slab(n_atoms, size)
    if (n_atoms is None) == (not size):
        raise KernelInputError(f"n_atoms: give either it or the size of the {shape}.")
    numbers = shapes.choose_size(shape, n_atoms) if n_atoms is not None else _sizes(shape, size)
    if shapes.count_atoms(shape, numbers) > MAX_SITES:
        raise KernelInputError(f"size: {numbers} has more than {MAX_SITES} sites.")
    core = compiled.select("lattice", reference_lattice)
    if shape in _TWINNED:
        grid = _TWINNED[shape](**numbers)
        positions = grid.positions
        neighbours = core.grid_neighbours(grid.numbers, grid.steps, len(positions))
    else:
        coordinates = _CUT_FROM_FCC[shape](**numbers)
        neighbours = core.fcc_neighbours(coordinates)
        positions = coordinates / np.sqrt(2.0)
    shown: dict[str, int | float | str] = dict(numbers)
    if shape == "sphere":
        shown = {"radius": round(float(np.sqrt(numbers["radius_squared"] / 2.0)), 6)}
    return Lattice._built(positions, neighbours, shape, shown, n_atoms)


_NAMES = {
    "cuboctahedron": {"shells": 1},
    "icosahedron": {"shells": 1},
    "truncated-octahedron": {"length": 2, "cutoff": 0},
    "decahedron": {"p": 1, "q": 1, "r": 0},
    "sphere": {"radius": 1},
}


def _sizes(shape: str, size: dict[str, int | float | str]) -> dict[str, int]:
    least = _NAMES[shape]
    if set(size) != set(least):
        raise KernelInputError(f"size: a {shape} takes {', '.join(least)}; got {', '.join(size)}.")
    if shape == "sphere":
        radius = size["radius"]
        if isinstance(radius, str) or not 1.0 <= radius <= 200.0:
            raise KernelInputError(f"radius: is {radius}, must be between 1 and 200.")
        return {"radius_squared": int(2.0 * radius * radius + 1e-6)}
    numbers = {}
    for name, value in size.items():
        if not isinstance(value, int | np.integer) or not least[name] <= value <= 1000:
            raise KernelInputError(
                f"{name}: is {value!r}, must be a whole number from {least[name]} to 1000."
            )
        numbers[name] = int(value)
    if shape == "truncated-octahedron" and 2 * numbers["cutoff"] + 1 > numbers["length"]:
        raise KernelInputError(
            f"cutoff: {numbers['cutoff']} is more than half of length {numbers['length']}."
        )
    return numbers


def _build_slab(n_atoms: int | None, size: dict[str, int | float | str]) -> Lattice:
    unknown = set(size) - {"width", "layers", "facet"}
    if unknown or (n_atoms is None) == ("width" not in size):
        raise KernelInputError(
            "size: a slab takes n_atoms or width, and optionally layers and facet; got "
            f"{', '.join(size) or 'nothing'}."
        )
    facet = str(size.get("facet", "111"))
    if facet not in ("111", "100"):
        raise UnknownNameError("facet", facet, ("111", "100"))
    layers = size.get("layers", 6)
    width = size.get("width", 0)
    if not isinstance(layers, int) or not 1 <= layers <= 1000:
        raise KernelInputError(f"layers: is {layers!r}, must be a whole number from 1 to 1000.")
    if n_atoms is not None:
        width = max(3, round(float(np.sqrt(n_atoms / layers))))
    # Narrower than 3 a site would meet the same neighbour twice through the boundary.
    if not isinstance(width, int) or width < 3 or width * width * layers > MAX_SITES:
        raise KernelInputError(
            f"width: is {width!r}, must be a whole number of at least 3 with at most {MAX_SITES} "
            "sites in all."
        )
    grid = site_grids.slab(width, layers, facet)
    core = compiled.select("lattice", reference_lattice)
    table = core.grid_neighbours(grid.numbers, grid.steps, len(grid.positions))
    shown: dict[str, int | float | str] = {"width": width, "layers": layers, "facet": facet}
    return Lattice._built(grid.positions, table, "slab", shown, n_atoms)
