"""Sites of particles cut from the fcc lattice, and the sizes all shapes come in.

Sites are integer coordinates (x + y + z even or odd throughout) in units of half the cubic lattice
constant, in lexicographic order.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError

Sizes = dict[str, int]
Ints = npt.NDArray[np.int32]


def _fill_lines(limit: int, parity: int, reach: Ints) -> Ints:
    """Return the sites of lines along z.

    Parameters
    ----------
    limit : int
        x and y run from -limit to limit.
    parity : int
        Of x + y + z.
    reach : ndarray of int32, shape (2 limit + 1, 2 limit + 1)
        Largest absolute z on each line; negative for none.
    """
    axis = np.arange(-limit, limit + 1, dtype=np.int32)
    total = axis[:, None] + axis[None, :]
    # The ends of each line have the right parity.
    top = reach - (reach + total + parity) % 2
    lines = np.where(top >= 0, top + 1, 0).ravel()
    ends = np.cumsum(lines, dtype=np.int32)
    sites = np.empty((int(ends[-1]), 3), np.int32)
    sites[:, 0] = np.repeat(np.broadcast_to(axis[:, None], reach.shape).ravel(), lines)
    sites[:, 1] = np.repeat(np.broadcast_to(axis[None, :], reach.shape).ravel(), lines)
    z = np.arange(0, 2 * len(sites), 2, dtype=np.int32)
    z -= np.repeat(2 * (ends - lines) + top.ravel(), lines)
    sites[:, 2] = z
    return sites


def _cut_octahedron(steps: int, limit: int, parity: int) -> Ints:
    """Return the sites with |x| + |y| + |z| up to `steps` and each of them up to `limit`."""
    distance = abs(np.arange(-limit, limit + 1, dtype=np.int32))
    reach = np.minimum(limit, steps - distance[:, None] - distance[None, :])
    return _fill_lines(limit, parity, reach)


def cuboctahedron(shells: int) -> Ints:
    """Return fcc coordinates, shape (n, 3), of a cuboctahedron with closed shells."""
    return _cut_octahedron(2 * shells, shells, 0)


def truncated_octahedron(length: int, cutoff: int) -> Ints:
    """Return fcc coordinates, shape (n, 3), of an octahedron with its six vertices cut.

    Parameters
    ----------
    length : int
        Atoms along an edge of the whole octahedron.
    cutoff : int
        Layers cut at each vertex; ``3 * cutoff + 1 == length`` gives regular hexagons.
    """
    return _cut_octahedron(length - 1, length - 1 - cutoff, (length - 1) % 2)


def sphere(radius_squared: int) -> Ints:
    """Return fcc coordinates, shape (n, 3), within a sphere around an atom.

    Parameters
    ----------
    radius_squared : int
        In units of (half the lattice constant)^2, which is half the squared bond length.
    """
    limit = isqrt(radius_squared)
    squares = np.arange(-limit, limit + 1, dtype=np.int64) ** 2
    left = radius_squared - squares[:, None] - squares[None, :]
    # Square roots of whole numbers of this size are exact where they are whole.
    reach = np.where(left >= 0, np.sqrt(np.maximum(left, 0)).astype(np.int32), -1)
    return _fill_lines(limit, 0, reach.astype(np.int32))


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
    end, turn = min(rings, height), min(rings - r, rings, height)

    def sums(n: int) -> tuple[int, int]:  # of k and of k^2 below n
        return n * (n - 1) // 2, n * (n - 1) * (2 * n - 1) // 6

    # The ring n is n wide up to the re-entrance, 2 (rings - r) - 1 - n from there on.
    (one, two), (all_one, all_two) = sums(turn), sums(end)
    widest = 2 * (rings - r) - 1
    rising = height * one - two
    falling = (end - turn) * widest * height
    falling += all_two - two - (widest + height) * (all_one - one)
    return height + 5 * (rising + falling)


def sphere_sizes(n_atoms: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the squared radii of closed spheres up to beyond `n_atoms`, and their counts."""
    radius = (2.0 * n_atoms * 3.0 / (4.0 * np.pi)) ** (1.0 / 3.0) + 3.0
    limit = int(radius) + 1
    # How many sums of one, two and three squares there are; x + y + z is as even as their squares.
    one = np.zeros(limit * limit + 1, np.int64)
    one[np.arange(1, limit + 1) ** 2] = 2
    one[0] = 1
    three = one
    for _ in range(2):
        less, three = three, three.copy()
        for square in np.arange(1, limit + 1) ** 2:
            three[square:] += 2 * less[: len(less) - square]
    values = np.flatnonzero((three > 0) & (np.arange(len(three)) % 2 == 0))
    return values, np.cumsum(three[values])


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
