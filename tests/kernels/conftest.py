"""Paths of the kernels a test can be run on."""

import pytest

from pomdft.kernels import compiled

COMPILED_PATHS = ("plain", "avx2", "avx512")


def is_runnable(path):
    return compiled._import("energy") is not None and compiled.LEVELS[path] <= compiled.cpu_level()


@pytest.fixture(params=COMPILED_PATHS)
def compiled_path(request, monkeypatch):
    """Each vector path of the compiled kernels that this machine has."""
    if not is_runnable(request.param):
        pytest.skip(f"the {request.param} path is not built or not on this machine")
    monkeypatch.setenv("POMDFT_KERNELS", request.param)
    return request.param


@pytest.fixture(params=("reference", *COMPILED_PATHS))
def kernel_path(request, monkeypatch):
    """The NumPy twins and each vector path."""
    if request.param != "reference" and not is_runnable(request.param):
        pytest.skip(f"the {request.param} path is not built or not on this machine")
    monkeypatch.setenv("POMDFT_KERNELS", request.param)
    return request.param
