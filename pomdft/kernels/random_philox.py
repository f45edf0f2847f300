"""Philox4x32-10: random numbers as a function of a seed and a counter.

The same generator runs in the compiled kernels; here it is in NumPy, for their twins and for
initial occupations.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)

# What a counter is for: its last word (ext/philox.h has the same list).
CHAIN, PROPOSAL, ACCEPT, REFINE, EXCHANGE, SHUFFLE, GROWTH = range(1, 8)

Words = npt.NDArray[np.uint32]


def philox_words(
    seed: int, index: npt.ArrayLike, stream: npt.ArrayLike = 0, purpose: int = 0
) -> Words:
    """Return four 32-bit random words for each counter.

    Parameters
    ----------
    seed : int
        Key, 0 to 2^64 - 1.
    index : array_like of uint64
        Lower half of the counter.
    stream : array_like of uint32
        Third word of the counter; broadcasts with `index`.
    purpose : int
        Fourth word of the counter.

    Returns
    -------
    ndarray of uint32, shape (..., 4)
        Uniform words; shape of the broadcast of `index` and `stream`.

    References
    ----------
    J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, SC'11 (2011).
    https://doi.org/10.1145/2063384.2063405
    """
    low, third = np.broadcast_arrays(
        np.asarray(index, dtype=np.uint64), np.asarray(stream, dtype=np.uint64)
    )
    c0, c1, c2 = low & _LOW, low >> _HALF, third & _LOW
    c3 = np.full_like(c0, purpose)
    for turn in range(10):
        k0 = np.uint64((seed + turn * _W0) & 0xFFFFFFFF)
        k1 = np.uint64(((seed >> 32) + turn * _W1) & 0xFFFFFFFF)
        p0, p1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def shuffled_order(seed: int, stream: int, n: int) -> npt.NDArray[np.intp]:
    """Return a random order of `n` things, the same on every machine.

    Parameters
    ----------
    seed : int
        Key of the generator.
    stream : int
        Number of the replica.
    n : int
        How many.

    Returns
    -------
    ndarray of intp, shape (n,)
        A permutation of 0 to n - 1.
    """
    words = philox_words(seed, np.arange((n + 1) // 2, dtype=np.uint64), stream, SHUFFLE)
    wide = words.astype(np.uint64)
    keys = (wide[:, 0::2] << _HALF | wide[:, 1::2]).ravel()[:n]
    return np.argsort(keys, kind="stable")
