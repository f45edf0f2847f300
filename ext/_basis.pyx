"""Basis functions on blocks of a grid; checked by pomdft.kernels.basis."""

from libc.stdint cimport int32_t, int64_t
from scipy.linalg.cython_blas cimport dgemm

import numpy as np

#: Rows of a matrix product done at once: of symmetric results little more than half is computed.
cdef enum:
    PANEL = 32


cdef struct Blocks:
    #: Of the grid and of the blocks along each axis; points along the edge of a block and in it;
    #: blocks in all; functions in the fullest one.
    int64_t[3] shape
    int64_t[3] count
    int64_t edge
    int size
    int64_t n
    int widest


cdef Blocks _divide(
        int64_t n_x, int64_t n_y, int64_t n_z, int64_t edge, const int64_t[::1] slots,
        const int64_t[:, ::1] members):
    """Return how a grid is divided; without `slots` nothing is said of the functions."""
    cdef Blocks blocks
    cdef int64_t axis, block, last
    blocks.shape[:] = [n_x, n_y, n_z]
    blocks.edge = edge
    blocks.size = edge * edge * edge
    for axis in range(3):
        blocks.count[axis] = (blocks.shape[axis] + edge - 1) // edge
    blocks.n = blocks.count[0] * blocks.count[1] * blocks.count[2]
    blocks.widest = 1
    if slots is not None:
        for block in range(blocks.n):
            if slots[block] < slots[block + 1]:
                last = slots[block + 1] - 1
                blocks.widest = max(
                    blocks.widest,
                    <int>(members[last, 2] + members[last, 1] - members[slots[block], 2]))
    return blocks


cdef inline int64_t _block_of(
        int64_t point, const Blocks *blocks, int64_t *place, int64_t *left) noexcept nogil:
    """Return the block of a point, its place there, and how many points follow along z."""
    cdef int64_t edge = blocks.edge
    cdef int64_t z = point % blocks.shape[2]
    cdef int64_t y = (point // blocks.shape[2]) % blocks.shape[1]
    cdef int64_t x = point // (blocks.shape[2] * blocks.shape[1])
    place[0] = ((x % edge) * edge + y % edge) * edge + z % edge
    left[0] = edge - z % edge
    return ((x // edge) * blocks.count[1] + y // edge) * blocks.count[2] + z // edge


def collect(
        list values, const int32_t[::1] first not None, const int64_t[:, ::1] runs not None,
        const int64_t[::1] bounds not None, const int64_t[::1] shape not None, int64_t edge):
    """Return the functions that reach each block and their values there.

    Of volume W, with functions first[W] onwards, values[W] has shape (n_points, n_functions); its
    points are those of runs[bounds[W]:bounds[W + 1]], each a first grid point and a length.

    Returned are the bounds of each block in the list of (first function, number of functions,
    first row), that list, and the rows, one a function and block, of edge**3 values each.
    """
    cdef int64_t n_volumes = len(values)
    cdef Blocks blocks = _divide(shape[0], shape[1], shape[2], edge, None, None)
    cdef int64_t n_blocks = blocks.n
    cdef int64_t w, run, point, stop, block, place, left, width, row, i, m, n_slots, n_rows
    cdef const double *source
    cdef double *target
    cdef const double[:, ::1] table

    seen_array = np.full(n_blocks, -1, dtype=np.int64)
    slots_array = np.zeros(n_blocks + 1, dtype=np.int64)
    rows_array = np.zeros(n_blocks + 1, dtype=np.int64)
    cdef int64_t[::1] seen = seen_array
    cdef int64_t[::1] slots = slots_array
    cdef int64_t[::1] rows = rows_array
    for w in range(n_volumes):
        width = values[w].shape[1]
        for run in range(bounds[w], bounds[w + 1]):
            point = runs[run, 0]
            stop = point + runs[run, 1]
            while point < stop:
                block = _block_of(point, &blocks, &place, &left)
                if seen[block] != w:
                    seen[block] = w
                    slots[block + 1] += 1
                    rows[block + 1] += width
                point += left
    np.cumsum(slots_array, out=slots_array)
    np.cumsum(rows_array, out=rows_array)
    n_slots = slots[n_blocks]
    n_rows = rows[n_blocks]

    members_array = np.empty((n_slots, 3), dtype=np.int64)
    data_array = np.zeros((n_rows, blocks.size))
    cdef int64_t[:, ::1] members = members_array
    cdef double[:, ::1] data = data_array
    cdef int64_t[::1] next_slot = slots_array[:n_blocks].copy()
    cdef int64_t[::1] next_row = rows_array[:n_blocks].copy()
    seen_array[:] = -1
    for w in range(n_volumes):
        table = values[w]
        width = table.shape[1]
        source = &table[0, 0]
        for run in range(bounds[w], bounds[w + 1]):
            point = runs[run, 0]
            stop = point + runs[run, 1]
            while point < stop:
                block = _block_of(point, &blocks, &place, &left)
                if seen[block] != w:
                    seen[block] = w
                    members[next_slot[block], 0] = first[w]
                    members[next_slot[block], 1] = width
                    members[next_slot[block], 2] = next_row[block]
                    next_slot[block] += 1
                    next_row[block] += width
                row = next_row[block] - width
                if left > stop - point:
                    left = stop - point
                for m in range(width):
                    target = &data[row + m, place]
                    for i in range(left):
                        target[i] = source[i * width + m]
                source += left * width
                point += left
    return slots_array, members_array, data_array


cdef inline void _copy_block(
        int64_t block, Blocks *blocks, double *grid, double *local,
        bint back) noexcept nogil:
    """Copy a block out of the grid, zeros beyond it, or add it to the grid."""
    cdef int64_t edge = blocks.edge
    cdef const int64_t *shape = blocks.shape
    cdef int64_t bz = block % blocks.count[2]
    cdef int64_t by = (block // blocks.count[2]) % blocks.count[1]
    cdef int64_t bx = block // (blocks.count[2] * blocks.count[1])
    cdef int64_t x, y, z, i, at
    for x in range(edge):
        for y in range(edge):
            at = ((bx * edge + x) * shape[1] + by * edge + y) * shape[2] + bz * edge
            for z in range(edge):
                i = (x * edge + y) * edge + z
                if (bx * edge + x < shape[0] and by * edge + y < shape[1]
                        and bz * edge + z < shape[2]):
                    if back:
                        grid[at + z] += local[i]
                    else:
                        local[i] = grid[at + z]
                elif not back:
                    local[i] = 0.0


cdef inline void _gather(
        const double[:, ::1] matrix, const int64_t[:, ::1] members, int64_t begin, int64_t end,
        int64_t stride, double *pairs) noexcept nogil:
    """Copy the elements of a matrix that belong to the functions of a block."""
    cdef int64_t row = members[begin, 2]
    cdef int64_t s, t, a, b
    for s in range(begin, end):
        for t in range(begin, end):
            for a in range(members[s, 1]):
                for b in range(members[t, 1]):
                    pairs[(members[s, 2] - row + a) * stride + members[t, 2] - row + b] = matrix[
                        members[s, 0] + a, members[t, 0] + b]


def add_potential(
        double[:, :, ::1] potential not None, double volume, const int64_t[::1] slots not None,
        const int64_t[:, ::1] members not None, const double[:, ::1] data not None, int64_t edge,
        double[:, ::1] matrix not None):
    """Add the integrals of pairs of functions with a potential to the matrix's lower triangle."""
    cdef Blocks blocks = _divide(
        potential.shape[0], potential.shape[1], potential.shape[2], edge, slots, members)
    cdef int size = blocks.size
    cdef int widest = blocks.widest
    cdef int64_t block, s, t, row, n, i, j, low, high, a, b
    cdef int n_columns, n_rows
    cdef double one = 1.0
    cdef double zero = 0.0
    cdef double[::1] local = np.empty(size)
    cdef double[::1] weighted = np.empty(PANEL * size)
    cdef double[::1] product = np.empty(<int64_t>widest * widest)
    cdef const double *functions
    with nogil:
        for block in range(blocks.n):
            if slots[block] == slots[block + 1]:
                continue
            row = members[slots[block], 2]
            n = members[slots[block + 1] - 1, 2] + members[slots[block + 1] - 1, 1] - row
            functions = &data[row, 0]
            _copy_block(block, &blocks, &potential[0, 0, 0], &local[0], False)
            for i in range(size):
                local[i] *= volume
            low = 0
            while low < n:
                high = min(low + PANEL, n)
                for i in range(high - low):
                    for j in range(size):
                        weighted[i * size + j] = functions[(low + i) * size + j] * local[j]
                n_columns = <int>(high - low)
                n_rows = <int>high
                # Row i of the product, in C's order: function low + i with functions 0 to high.
                dgemm(b"T", b"N", &n_rows, &n_columns, &size, &one, <double *>functions, &size,
                      &weighted[0], &size, &zero, &product[<int64_t>low * widest], &widest)
                low = high
            for s in range(slots[block], slots[block + 1]):
                for t in range(slots[block], s + 1):
                    for a in range(members[s, 1]):
                        i = members[s, 2] - row + a
                        j = members[t, 2] - row
                        for b in range(members[t, 1]):
                            matrix[members[s, 0] + a, members[t, 0] + b] += product[
                                i * widest + j + b]


def add_density(
        const double[:, ::1] matrix not None, const int64_t[::1] slots not None,
        const int64_t[:, ::1] members not None, const double[:, ::1] data not None, int64_t edge,
        double[:, :, ::1] density not None):
    """Add the density of a symmetric density matrix to the grid."""
    cdef Blocks blocks = _divide(
        density.shape[0], density.shape[1], density.shape[2], edge, slots, members)
    cdef int size = blocks.size
    cdef int widest = blocks.widest
    cdef int64_t block, row, n, i, j, low, high
    cdef int n_columns, n_rows
    cdef double one = 1.0
    cdef double zero = 0.0
    cdef double[::1] local = np.empty(size)
    cdef double[::1] product = np.empty(PANEL * size)
    cdef double[::1] pairs = np.empty(<int64_t>widest * widest)
    cdef const double *functions
    with nogil:
        for block in range(blocks.n):
            if slots[block] == slots[block + 1]:
                continue
            row = members[slots[block], 2]
            n = members[slots[block + 1] - 1, 2] + members[slots[block + 1] - 1, 1] - row
            functions = &data[row, 0]
            _gather(matrix, members, slots[block], slots[block + 1], widest, &pairs[0])
            # Left of the panel on the diagonal each pair counts for its mirror too; right of it
            # nothing is read.
            for i in range(n):
                for j in range(i - i % PANEL):
                    pairs[i * widest + j] *= 2.0
            for i in range(size):
                local[i] = 0.0
            low = 0
            while low < n:
                high = min(low + PANEL, n)
                n_columns = <int>(high - low)
                n_rows = <int>high
                dgemm(b"N", b"N", &size, &n_columns, &n_rows, &one, <double *>functions, &size,
                      &pairs[<int64_t>low * widest], &widest, &zero, &product[0], &size)
                for i in range(high - low):
                    for j in range(size):
                        local[j] += functions[(low + i) * size + j] * product[i * size + j]
                low = high
            _copy_block(block, &blocks, &density[0, 0, 0], &local[0], True)


def fold(
        const double[:, ::1] matrix not None, double[:, :, ::1] potential not None,
        const int64_t[::1] slots not None, const int64_t[:, ::1] members not None,
        const double[:, ::1] data not None, int64_t edge, double[:, ::1] folded not None):
    """Set rows like those of the functions to sums over functions, times the potential."""
    cdef Blocks blocks = _divide(
        potential.shape[0], potential.shape[1], potential.shape[2], edge, slots, members)
    cdef int size = blocks.size
    cdef int widest = blocks.widest
    cdef int64_t block, row, i, j
    cdef int n
    cdef double one = 1.0
    cdef double zero = 0.0
    cdef double[::1] local = np.empty(size)
    cdef double[::1] pairs = np.empty(<int64_t>widest * widest)
    with nogil:
        for block in range(blocks.n):
            if slots[block] == slots[block + 1]:
                continue
            row = members[slots[block], 2]
            n = <int>(members[slots[block + 1] - 1, 2] + members[slots[block + 1] - 1, 1] - row)
            _gather(matrix, members, slots[block], slots[block + 1], widest, &pairs[0])
            dgemm(b"N", b"N", &size, &n, &n, &one, <double *>&data[row, 0], &size, &pairs[0],
                  &widest, &zero, &folded[row, 0], &size)
            _copy_block(block, &blocks, &potential[0, 0, 0], &local[0], False)
            for i in range(n):
                for j in range(size):
                    folded[row + i, j] *= local[j]
