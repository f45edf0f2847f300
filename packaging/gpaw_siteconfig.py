"""How GPAW is built here: against Debian's MPI, libxc, OpenBLAS, FFTW and ScaLAPACK.

Used by `make setup` through GPAW_CONFIG; GPAW's setup.py runs it with its own names defined.
"""

# ruff: noqa: F821
mpi = True
compiler = "mpicxx"
libraries = ["xc", "openblas", "fftw3", "scalapack-openmpi"]
fftw = True
scalapack = True
extra_compile_args += ["-O3"]
