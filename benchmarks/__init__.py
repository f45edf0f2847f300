"""Benchmarks of the kernels; one core, whatever the machine has."""

import os

# Before numpy or numba are imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
