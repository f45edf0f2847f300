"""Sites of particles of a given shape and size, and the sizes a shape comes in.

Shapes cut from the fcc lattice are integer coordinates (x + y + z even or odd throughout) in
units of half the cubic lattice constant; the twinned ones are positions in units of the
nearest-neighbour distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError

Sizes = dict[str, int]
Ints = npt.NDArray[np.int32]
Booleans = npt.NDArray[np.bool_]


def _select(limit: int, parity: int, keep: Callable[..., Booleans]) -> Ints:
    axis = np.arange(-limit, limit + 1, dtype=np.int32)
    x, y, z = axis[:, None, None], axis[None, :, None], axis[None, None, :]
    mask = keep(x, y, z) & ((x + y + z) % 2 == parity)
    return np.ascontiguousarray(np.argwhere(mask) - limit, dtype=np.int32)


def cuboctahedron(shells: int) -> Ints:
    """Return fcc coordinates, shape (n, 3), of a cuboctahedron with closed shells."""

    def keep(x: Ints, y: Ints, z: Ints) -> Booleans:
        inside: Booleans = abs(x) + abs(y) + abs(z) <= 2 * shells
        return inside

    return _select(shells, 0, keep)


def truncated_octahedron(length: int, cutoff: int) -> Ints:
    """Return fcc coordinates, shape (n, 3), of an octahedron with its six vertices cut.

    Parameters
    ----------
    length : int
        Atoms along an edge of the whole octahedron.
    cutoff : int
        Layers cut at each vertex; ``3 * cutoff + 1 == length`` gives regular hexagons.
    """

    def keep(x: Ints, y: Ints, z: Ints) -> Booleans:
        inside: Booleans = abs(x) + abs(y) + abs(z) <= length - 1
        return inside

    return _select(length - 1 - cutoff, (length - 1) % 2, keep)


def sphere(radius_squared: int) -> Ints:
    """Return fcc coordinates, shape (n, 3), within a sphere around an atom.

    Parameters
    ----------
    radius_squared : int
        In units of (half the lattice constant)^2, which is half the squared bond length.
    """

    def keep(x: Ints, y: Ints, z: Ints) -> Booleans:
        inside: Booleans = x * x + y * y + z * z <= radius_squared
        return inside

    return _select(int(np.sqrt(radius_squared)), 0, keep)


def icosahedron(shells: int) -> npt.NDArray[np.float64]:
    """Return positions, shape (n, 3), of a Mackay icosahedron.

    Bonds between shells have length 1, those within a shell 1.0515.

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
    bonded = abs(np.linalg.norm(corners[:, None] - corners[None], axis=2) - edge) < 1e-9
    edges = [pair for pair in combinations(range(12), 2) if bonded[pair]]
    faces = [(a, b, c) for a, b in edges for c in range(b + 1, 12) if bonded[a, c] and bonded[b, c]]
    parts = [np.zeros((1, 3))]
    for k in range(1, shells + 1):
        parts.append(k * corners)
        i = np.arange(1, k)
        along = np.stack([i, k - i], axis=1).astype(float)
        parts.append((along @ corners[np.array(edges)]).reshape(-1, 3))
        first, second = np.meshgrid(i, i, indexing="ij")
        inside = first + second < k
        weights = np.stack([first, second, k - first - second], axis=-1)[inside].astype(float)
        parts.append((weights @ corners[np.array(faces)]).reshape(-1, 3))
    return _order(np.concatenate(parts))


def decahedron(p: int, q: int, r: int) -> npt.NDArray[np.float64]:
    """Return positions, shape (n, 3), of a Marks decahedron.

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
    height = p + q + 2 * r - 1
    rings = p + 2 * r
    turn = 2.0 * np.pi / 5.0 * np.arange(5)
    corners = np.sqrt(0.75) * np.stack([np.cos(turn), np.sin(turn), 0.0 * turn], axis=1)
    parts = []
    for n in range(min(rings, height)):
        levels = np.zeros((height - n, 3))
        levels[:, 2] = np.arange(height - n) - 0.5 * (height - n - 1)
        i = np.arange(max(n, 1))
        i = i[(n - i < rings - r) & (i < rings - r)]
        if n == 0:
            columns = np.zeros((1, 3))
        else:
            wedges = (n - i)[:, None, None] * corners + i[:, None, None] * np.roll(corners, -1, 0)
            columns = wedges.reshape(-1, 3)
        parts.append((columns[:, None] + levels).reshape(-1, 3))
    return _order(np.concatenate(parts))


def _order(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Neighbours close in memory: boxes of two bond lengths, then position within the box.
    box = np.floor(positions / 2.0 + 1e-6).astype(np.int64)
    return positions[np.lexsort((*positions.T.round(6), *box.T[::-1]))]


def closed_shells(shells: int) -> int:
    """Return the number of atoms of a cuboctahedron or Mackay icosahedron: 13, 55, 147, 309 ..."""
    return (10 * shells**3 + 15 * shells**2 + 11 * shells + 3) // 3


def count_truncated_octahedron(length: int, cutoff: int) -> int:
    """Return the number of atoms of a truncated octahedron: 38, 79, 140, 201, 314 ..."""
    whole = length * (2 * length**2 + 1) // 3
    return whole - cutoff * (cutoff + 1) * (2 * cutoff + 1)


def count_decahedron(p: int, q: int, r: int) -> int:
    """Return the number of atoms of a Marks decahedron: 75, 101, 146, 192 ..."""
    height, rings = p + q + 2 * r - 1, p + 2 * r
    count = height
    for n in range(1, min(rings, height)):
        width = min(n, rings - r) - max(0, n - rings + r + 1)
        count += 5 * width * (height - n)
    return count


def sphere_sizes(n_atoms: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the squared radii of closed spheres up to beyond `n_atoms`, and their counts."""
    radius = (2.0 * n_atoms * 3.0 / (4.0 * np.pi)) ** (1.0 / 3.0) + 3.0
    limit = int(radius) + 1
    coordinates = sphere(limit * limit)
    values, counts = np.unique((coordinates.astype(np.int64) ** 2).sum(axis=1), return_counts=True)
    return values, np.cumsum(counts)


def _candidates(shape: str, n_atoms: int) -> Iterator[tuple[int, Sizes]]:
    reach = int((3.0 * n_atoms) ** (1.0 / 3.0)) + 4
    if shape in ("cuboctahedron", "icosahedron"):
        yield from ((closed_shells(k), {"shells": k}) for k in range(1, reach))
    elif shape == "truncated-octahedron":
        for cutoff in range(1, reach):
            # The hexagons' two edge lengths differ by at most one atom; equal squares and
            # triangles would be the cuboctahedron.
            for length in (3 * cutoff, 3 * cutoff + 1, 3 * cutoff + 2):
                if length > 2 * cutoff + 1:
                    count = count_truncated_octahedron(length, cutoff)
                    yield count, {"length": length, "cutoff": cutoff}
    elif shape == "decahedron":
        for p in range(1, reach):
            for q in (p - 1, p, p + 1):
                for r in range(3) if q > 0 else ():
                    yield count_decahedron(p, q, r), {"p": p, "q": q, "r": r}
    else:
        squares, counts = sphere_sizes(n_atoms)
        yield from (
            (int(c), {"radius_squared": int(s)}) for s, c in zip(squares, counts, strict=True)
        )


def choose_size(shape: str, n_atoms: int) -> Sizes:
    """Return the size of `shape` whose number of atoms is nearest to `n_atoms`.

    Parameters
    ----------
    shape : str
        A shape other than ``"slab"``.
    n_atoms : int
        Wanted number of atoms.

    Returns
    -------
    dict of str to int
        Arguments of the function of the shape's name.

    Raises
    ------
    KernelInputError
        `n_atoms` is not positive.
    """
    if n_atoms < 1:
        raise KernelInputError(f"n_atoms: is {n_atoms}, must be positive.")
    return min(_candidates(shape, n_atoms), key=lambda item: abs(item[0] - n_atoms))[1]


def count_atoms(shape: str, size: Sizes) -> int:
    """Return the number of atoms of a shape other than the slab (an estimate for the sphere)."""
    if shape in ("cuboctahedron", "icosahedron"):
        return closed_shells(**size)
    if shape == "truncated-octahedron":
        return count_truncated_octahedron(**size)
    if shape == "decahedron":
        return count_decahedron(**size)
    return int(2.0 / 3.0 * np.pi * size["radius_squared"] ** 1.5)


def slab(width: int, layers: int, facet: str) -> tuple[npt.NDArray[np.float64], Ints]:
    """Return positions and neighbours of an fcc slab that is periodic in its plane.

    Parameters
    ----------
    width : int
        Atoms along each of the two in-plane directions, at least 3.
    layers : int
        Number of layers.
    facet : {"111", "100"}
        The surface.

    Returns
    -------
    positions : ndarray of float64, shape (n, 3)
        In units of the nearest-neighbour distance.
    neighbours : ndarray of int32, shape (n, 12)
        Not sorted; -1 where there is no neighbour.
    """
    # In-plane vectors, the shift and the height from one layer to the next, and the bonds as
    # steps (along a, along b, layers).
    if facet == "111":
        a, b = np.array([1.0, 0.0]), np.array([0.5, np.sqrt(0.75)])
        shift, height = (a + b) / 3.0, np.sqrt(2.0 / 3.0)
        plane = [(1, 0, 0), (0, 1, 0), (1, -1, 0)]
        up = [(0, 0, 1), (-1, 0, 1), (0, -1, 1)]
    else:
        a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
        shift, height = (a + b) / 2.0, np.sqrt(0.5)
        plane = [(1, 0, 0), (0, 1, 0)]
        up = [(0, 0, 1), (-1, 0, 1), (0, -1, 1), (-1, -1, 1)]
    steps = plane + up + [(-i, -j, -k) for i, j, k in plane + up]
    layer, row, column = (
        c.ravel() for c in np.meshgrid(*map(np.arange, (layers, width, width)), indexing="ij")
    )
    positions = np.empty((len(layer), 3))
    positions[:, :2] = column[:, None] * a + row[:, None] * b + layer[:, None] * shift
    positions[:, 2] = layer * height
    table = np.full((len(layer), 12), -1, dtype=np.int32)
    for k, (i, j, dk) in enumerate(steps):
        target = layer + dk
        inside = (target >= 0) & (target < layers)
        site = (target * width + (row + j) % width) * width + (column + i) % width
        table[inside, k] = site[inside]
    return positions, table
