"""The vector instructions of this machine."""

cdef extern from "simd.h" nogil:
    int pomdft_cpu_level() noexcept


def cpu_level():
    """Return 0 (plain), 1 (AVX2) or 2 (AVX-512)."""
    return pomdft_cpu_level()
