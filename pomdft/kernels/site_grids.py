"""Grids of site numbers for shapes that are not one piece of fcc: twinned particles and slabs.

Each piece of such a shape is fcc in lattice coordinates of its own, so that neighbours are found
by steps on its grid. Sites where pieces meet stand in several grids under one number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from pomdft.kernels.shapes import closed_shells, count_decahedron

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

# Steps between neighbours along three edges of a primitive cell of fcc that make a tetrahedron.
_TETRAHEDRAL = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -1, 0), (1, 0, -1), (0, 1, -1))


@dataclass(frozen=True, eq=False)
class SiteGrid:
    """Sites of a shape and where they stand on the grids of its pieces.

    Parameters
    ----------
    positions : ndarray of float64, shape (n, 3)
        In units of the nearest-neighbour distance.
    numbers : ndarray of int32, shape (pieces, x, y, z)
        Site at each place, -1 for none; the outermost places of each piece stand for what lies
        beyond and are looked at, but not gone through.
    steps : ndarray of int32, shape (12, 3)
        Steps to the places of the neighbours, in lexicographic order.
    """

    positions: Floats
    numbers: Ints
    steps: Ints


def _both_ways(steps: tuple[tuple[int, int, int], ...]) -> Ints:
    return np.array(sorted([*steps, *(tuple(-k for k in step) for step in steps)]), np.int32)


def icosahedron(shells: int) -> SiteGrid:
    """Return a Mackay icosahedron: twenty tetrahedra that meet in its centre.

    Bonds between shells have length 1, those within a shell 1.0515.

    Parameters
    ----------
    shells : int
        Shells around the central atom.

    References
    ----------
    A. L. Mackay, Acta Cryst. 15, 916 (1962). https://doi.org/10.1107/S0365110X6200239X
    """
    golden = (1.0 + np.sqrt(5.0)) / 2.0
    corners = np.array(
        [
            np.roll((0.0, a, b * golden), turn)
            for turn in range(3)
            for a in (-1.0, 1.0)
            for b in (-1.0, 1.0)
        ]
    )
    corners /= np.linalg.norm(corners[0])
    edge = np.sort(np.linalg.norm(corners - corners[0], axis=1))[1]
    lengths = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    bonded = (abs(lengths - edge) < 1e-9).tolist()
    faces = [
        (a, b, c)
        for a, b, c in combinations(range(12), 3)
        if bonded[a][b] and bonded[a][c] and bonded[b][c]
    ]
    width = shells + 1
    i, j, k = np.ogrid[:width, :width, :width]
    places = np.flatnonzero(i + j + k <= shells)
    along = _coordinates(places, (width, width, width))
    numbers = np.full((len(faces), width + 2, width + 2, width + 2), -1, np.int32)
    # Numbers of the sites that pieces share: between two corners, and towards one.
    planes: dict[tuple[int, int], Ints] = {}
    rays: dict[int, Ints] = {}
    positions = np.empty((closed_shells(shells), 3))
    count = 0
    for face, (a, b, c) in enumerate(faces):
        piece = np.full((width, width, width), -1, np.int32)
        sides = {(a, b): piece[:, :, 0], (a, c): piece[:, 0], (b, c): piece[0]}
        lines = {a: piece[:, 0, 0], b: piece[0, :, 0], c: piece[0, 0]}
        if face:
            piece[0, 0, 0] = rays[faces[0][0]][0]
        for corner, line in lines.items():
            if corner in rays:
                line[:] = rays[corner]
        for pair, side in sides.items():
            if pair in planes:
                side[:] = planes[pair]
        new = _number_new(piece, places, count)
        count += _place(positions[count:], along[:, new], corners[[a, b, c]])
        planes |= {pair: side.copy() for pair, side in sides.items()}
        rays |= {corner: line.copy() for corner, line in lines.items()}
        numbers[face, 1:-1, 1:-1, 1:-1] = piece
    return SiteGrid(positions, numbers, _both_ways(_TETRAHEDRAL))


def decahedron(p: int, q: int, r: int) -> SiteGrid:
    """Return a Marks decahedron: five wedges that meet in its axis.

    Bonds have length 1; those across the twin planes' wedge 1.018.

    Parameters
    ----------
    p : int
        Atoms on the (100) faces perpendicular to the five-fold axis.
    q : int
        Atoms on the (100) faces parallel to the axis.
    r : int
        Depth of the re-entrance; 0 for an Ino decahedron.

    References
    ----------
    L. D. Marks, Philos. Mag. A 49, 81 (1984). https://doi.org/10.1080/01418618408233431
    """
    height, rings = p + q + 2 * r - 1, p + 2 * r
    turn = 2.0 * np.pi / 5.0 * np.arange(5)
    # A step outwards goes half a bond up as well; z is taken down to the middle at the end.
    corners = np.stack([np.sqrt(0.75) * np.cos(turn), np.sqrt(0.75) * np.sin(turn)], axis=1)
    edges = np.concatenate([corners, np.full((5, 1), 0.5)], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    width = min(rings - r, rings, height)
    i, j, k = np.ogrid[:width, :width, :height]
    places = np.flatnonzero((i + j < min(rings, height)) & (k < height - i - j))
    along = _coordinates(places, (width, width, height))
    numbers = np.full((5, width + 2, width + 2, height + 2), -1, np.int32)
    # Plane of sites towards each corner, which two wedges share.
    planes: dict[int, Ints] = {}
    positions = np.empty((count_decahedron(p, q, r), 3))
    count = 0
    for wedge in range(5):
        following = (wedge + 1) % 5
        piece = np.full((width, width, height), -1, np.int32)
        if wedge:
            piece[0, 0] = planes[0][0]
        for corner, side in ((wedge, piece[:, 0]), (following, piece[0])):
            if corner in planes:
                side[:] = planes[corner]
        new = _number_new(piece, places, count)
        own = np.stack([edges[wedge], edges[following], up])
        count += _place(positions[count:], along[:, new], own)
        planes |= {wedge: piece[:, 0].copy(), following: piece[0].copy()}
        numbers[wedge, 1:-1, 1:-1, 1:-1] = piece
    positions[:, 2] -= 0.5 * (height - 1)
    return SiteGrid(positions, numbers, _both_ways(_TETRAHEDRAL))


def _coordinates(places: npt.NDArray[np.intp], shape: tuple[int, int, int]) -> Floats:
    """Return the three coordinates of places on a grid, float64, shape (3, n)."""
    return np.stack(np.unravel_index(places, shape)).astype(np.float64)


def _number_new(piece: Ints, places: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.bool_]:
    """Give numbers to the places of a piece that have none yet, and return which they were."""
    flat = piece.reshape(-1)
    new: npt.NDArray[np.bool_] = flat[places] < 0
    sites = places[new]
    flat[sites] = np.arange(count, count + len(sites), dtype=np.int32)
    return new


def _place(positions: Floats, along: Floats, edges: Floats) -> int:
    """Write the positions of lattice coordinates (3, n) along three edges, and return n."""
    x, y, z = along
    for d in range(3):
        # Not a matrix product, whose rounding depends on the machine.
        positions[: len(x), d] = x * edges[0, d] + y * edges[1, d] + z * edges[2, d]
    return len(x)


def slab(width: int, layers: int, facet: str) -> SiteGrid:
    """Return an fcc slab that is periodic in its plane.

    Parameters
    ----------
    width : int
        Atoms along each of the two in-plane directions, at least 3.
    layers : int
        Number of layers.
    facet : {"111", "100"}
        The surface.
    """
    # In-plane vectors, the shift and the height from one layer to the next, and the bonds as
    # steps (layers, along b, along a).
    if facet == "111":
        a, b = np.array([1.0, 0.0]), np.array([0.5, np.sqrt(0.75)])
        shift, height = (a + b) / 3.0, np.sqrt(2.0 / 3.0)
        steps = ((0, 0, 1), (0, 1, 0), (0, -1, 1), (1, 0, 0), (1, 0, -1), (1, -1, 0))
    else:
        a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
        shift, height = (a + b) / 2.0, np.sqrt(0.5)
        steps = ((0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 0, -1), (1, -1, 0), (1, -1, -1))
    layer, row, column = np.ogrid[:layers, :width, :width]
    positions = np.empty((layers, width, width, 3))
    for d in range(2):
        positions[..., d] = column * a[d] + row * b[d] + layer * shift[d]
    positions[..., 2] = layer * height
    sites = np.arange(layers * width * width, dtype=np.int32).reshape(layers, width, width)
    periodic = np.pad(sites, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    numbers = np.pad(periodic, ((1, 1), (0, 0), (0, 0)), constant_values=-1)
    return SiteGrid(positions.reshape(-1, 3), numbers[None], _both_ways(steps))
