from __future__ import annotations

import pytest
from ase import units as ase_units

from pomdft import units


def test_constants_agree_with_ase() -> None:
    assert pytest.approx(ase_units.Hartree, rel=1e-6) == units.HARTREE_EV
    assert pytest.approx(ase_units.Bohr, rel=1e-6) == units.BOHR_ANGSTROM
    assert pytest.approx(ase_units.kB, rel=1e-6) == units.BOLTZMANN_EV_PER_K
    assert pytest.approx(96485.33212, rel=1e-9) == units.FARADAY_C_PER_MOL


def test_kj_per_mol() -> None:
    assert units.ev_to_kj_per_mol(1.0) == pytest.approx(96.48533, rel=1e-6)
    assert units.ev_to_kj_per_mol(-2.0) == pytest.approx(2 * -96.48533, rel=1e-6)
