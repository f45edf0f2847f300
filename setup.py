"""Build the compiled kernels; everything else is in pyproject.toml.

Each ``ext/_name.pyx`` becomes the extension ``pomdft.kernels._name``. The C and C++ files
``ext/name.c``, ``ext/name_*.c`` (and .cpp) belong to it; where two stems fit, the longer wins. An
extension whose sources use OpenMP is built with it. Code paths for AVX2 and AVX-512 are chosen
at run time (``ext/simd.h``), so nothing here depends on the machine that builds.

``POMDFT_BUILD=debug`` adds bounds checks and, with ``POMDFT_SANITIZE=address``, AddressSanitizer.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

EXT = Path("ext")
DEBUG = os.environ.get("POMDFT_BUILD") == "debug"
SANITIZE = os.environ.get("POMDFT_SANITIZE", "")
# Contracting a*b+c would make the AVX2 and plain paths differ in the last bit.
COMPILE = ["-O1", "-g", "-UNDEBUG"] if DEBUG else ["-O3"]
COMPILE += ["-ffp-contract=off", "-fvisibility=hidden", "-Wall"]
if SANITIZE:
    COMPILE += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]


def companions() -> dict[str, list[str]]:
    """Return the C and C++ files of each extension, by its stem."""
    stems = sorted((p.stem.removeprefix("_") for p in EXT.glob("_*.pyx")), key=len, reverse=True)
    sources: dict[str, list[str]] = {stem: [] for stem in stems}
    for path in sorted([*EXT.glob("*.c"), *EXT.glob("*.cpp")]):
        owner = next((s for s in stems if path.stem == s or path.stem.startswith(s + "_")), None)
        if owner is None:
            print(f"{path} is left out: it is named after no extension", file=sys.stderr)
            continue
        sources[owner].append(path.as_posix())
    return sources


def extensions() -> list[Extension]:
    """Return the extension modules found in ext/."""
    headers = [p.as_posix() for p in sorted([*EXT.glob("*.h"), *EXT.glob("*.hpp")])]
    found = []
    for stem, sources in companions().items():
        pyx = f"ext/_{stem}.pyx"
        texts = [Path(p).read_text() for p in [pyx, *sources]]
        openmp = any("#pragma omp" in t or "omp.h" in t or "cython.parallel" in t for t in texts)
        flags = ["-fopenmp"] if openmp else []
        sanitizer = [f"-fsanitize={SANITIZE}"] if SANITIZE else []
        found.append(
            Extension(
                f"pomdft.kernels._{stem}",
                [pyx, *sources],
                include_dirs=["ext"],
                depends=[*headers, *sources],
                extra_compile_args=COMPILE + flags,
                extra_link_args=flags + sanitizer,
                language="c++" if any(s.endswith(".cpp") for s in sources) else "c",
            )
        )
    return found


setup(
    ext_modules=cythonize(
        extensions(),
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "embedsignature": True,
        },
        force=DEBUG,
    )
)
