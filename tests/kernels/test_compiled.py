import subprocess
import sys

import pytest

from pomdft.errors import InputError, UnknownNameError
from pomdft.kernels import compiled, reference_energy


def test_forced_path_is_taken(kernel_path):
    chosen = compiled.select("energy", reference_energy)
    if kernel_path == "reference":
        assert chosen is reference_energy
        assert not compiled.is_compiled("energy")
    else:
        assert chosen.__name__ == "pomdft.kernels._energy"
        assert compiled.simd_level() == compiled.LEVELS[kernel_path]


def test_unknown_path_lists_the_known(monkeypatch):
    monkeypatch.setenv("POMDFT_KERNELS", "axv2")
    with pytest.raises(UnknownNameError, match="avx2"):
        compiled.simd_level()


def test_path_the_machine_lacks_is_refused(monkeypatch):
    monkeypatch.setenv("POMDFT_KERNELS", "avx512")
    monkeypatch.setattr(compiled, "cpu_level", lambda: 1)
    with pytest.raises(InputError, match=r"lacks these instructions.*plain, avx2"):
        compiled.simd_level()


def test_absent_modules_warn_once_and_the_twins_run():
    # A process of its own in which the compiled modules cannot be imported.
    code = """
import sys, warnings
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("pomdft.kernels._"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    import numpy as np
    from pomdft.kernels import LatticeModel, build_lattice, total_energy
    for n in (13, 55):
        lattice = build_lattice("cuboctahedron", n)
        total_energy(lattice, LatticeModel(-np.ones((2, 2, 13))), np.zeros(n, np.int8))
own = [w for w in seen if "compiled kernels of pomdft are absent" in str(w.message)]
print(len(lattice), len(own), own[0].category.__name__)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["55", "1", "CompiledKernelsMissingWarning"]
