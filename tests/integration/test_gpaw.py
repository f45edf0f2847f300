"""Real GPAW through the MPI launcher: energies, ghosts, the recovery ladder, full disks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hydrogen import hydrogen, tiny_level
from program_processes import wait_for_silence
from pymatgen.core import Molecule

from pomdft.calculations.models import Box, make_model
from pomdft.calculations.perform import perform
from pomdft.calculations.progress import Progress
from pomdft.errors import CalculationError, ConvergenceError, StoreError
from pomdft.schemas.calculation import CalculationInput
from pomdft.settings import Settings
from pomdft.store.results import ResultStore

pytestmark = [
    pytest.mark.gpaw,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("mpiexec") is None, reason="no MPI launcher"),
]


@pytest.fixture
def settings(own_settings: Path) -> Settings:
    return Settings(store=own_settings, cores=2)


@pytest.fixture
def store(settings: Settings) -> ResultStore:
    return ResultStore(settings.store)


def test_relaxation_on_two_ranks(store: ResultStore, settings: Settings) -> None:
    heard: list[Progress] = []
    request = hydrogen(0.85, tiny_level())
    result = perform(request, store, settings, heard.append)
    first, second = np.array(result.positions_angstrom)
    assert 0.70 < np.linalg.norm(first - second) < 0.95
    assert result.n_ranks == 2
    assert result.max_force_ev_per_angstrom <= 0.05
    assert result.energy_ev < result.step_energies_ev[0]
    assert {event.kind for event in heard} == {"scf", "step", "note"}
    # The log gives the energy: GPAW's own, and the dispersion correction on top.
    log = (store.folder(request.key) / "gpaw.txt").read_text()
    logged = float(re.findall(r"Extrapolated:\s+(-?\d+\.\d+)", log)[-1])
    assert result.dispersion_energy_ev is not None
    assert logged + result.dispersion_energy_ev == pytest.approx(result.energy_ev, abs=1e-5)
    assert not (store.folder(request.key) / "scf.gpw").exists()


def test_forces_are_the_slope_of_the_energy(store: ResultStore, settings: Settings) -> None:
    level = tiny_level(convergence={"density": 1e-6})
    box = Box((6.0, 6.0, 6.0), (3.0, 3.0, 2.6))
    energies, force = {}, 0.0
    for distance in (0.88, 0.90, 0.92):
        molecule = Molecule(["H", "H"], [[0, 0, 0], [0, 0, distance]])
        model = make_model(molecule, level, box, label="H2")
        result = perform(CalculationInput.create("energy", model, level), store, settings)
        energies[distance] = result.energy_ev
        if distance == 0.90:
            force = result.forces_ev_per_angstrom[1][2]
    slope = (energies[0.92] - energies[0.88]) / 0.04
    assert force == pytest.approx(-slope, abs=0.15)


def test_ghosts_lower_the_energy_and_feel_no_force(store: ResultStore, settings: Settings) -> None:
    level = tiny_level()
    molecule = Molecule(["He", "H", "H"], [[0, 0, 0], [0, 0, 1.4], [0, 0, 2.2]])
    alone = Molecule(["He"], [[0, 0, 0]])
    box = Box((5.0, 5.0, 7.0), (2.5, 2.5, 2.25))
    with_ghosts = make_model(molecule, level, box, label="He + ghosts", ghosts=(1, 2))
    without = make_model(alone, level, box, label="He")
    assert with_ghosts.electron_count == without.electron_count == 2
    ghost, plain = (
        perform(CalculationInput.create("energy", model, level), store, settings)
        for model in (with_ghosts, without)
    )
    assert -0.5 < ghost.energy_ev - plain.energy_ev < -1e-4
    assert ghost.forces_ev_per_angstrom[1:] == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    assert ghost.dispersion_energy_ev == pytest.approx(plain.dispersion_energy_ev, abs=1e-9)


def test_recovery_ladder_rescues(store: ResultStore, settings: Settings) -> None:
    easy = perform(hydrogen(0.8, tiny_level(), "energy"), store, settings)
    assert easy.recovery == ()
    request = hydrogen(0.8, tiny_level(maxiter=5), "energy")
    result = perform(request, store, settings)
    assert result.recovery[0].rung == "restart-from-density"
    assert result.recovery[0].changes == {"maxiter": 10}
    assert result.energy_ev == pytest.approx(easy.energy_ev, abs=1e-3)


def test_what_never_converges_is_a_failure_and_no_number(
    store: ResultStore, settings: Settings
) -> None:
    impossible = {"density": 1e-14, "energy": 1e-14}
    request = hydrogen(0.8, tiny_level(maxiter=2, convergence=impossible), "energy")
    heard: list[Progress] = []
    with pytest.raises(ConvergenceError, match="restart-from-density, damp-mixing") as caught:
        perform(request, store, settings, heard.append)
    assert "\n" not in str(caught.value)
    folder = store.folder(request.key)
    assert not (folder / "result.json").exists()
    failure = json.loads((folder / "failure.json").read_text())
    assert failure["permanent"] is True
    assert [step["rung"] for step in failure["recovery"]] == [
        "restart-from-density",
        "damp-mixing",
        "more-smearing",
        "damp-mixing-from-smeared-density",
        "spin-polarised",
    ]
    assert store.index.count()["calculation"] == 0
    assert sum("SCF not converged" in event.text for event in heard) == 5
    with pytest.raises(ConvergenceError, match="failed before"):
        perform(request, store, settings)
    assert not wait_for_silence(store.root)


def test_a_parameter_gpaw_refuses_is_told_in_its_words(
    store: ResultStore, settings: Settings
) -> None:
    request = hydrogen(0.8, tiny_level(basis="no-such-basis"), "energy")
    with pytest.raises(CalculationError, match="no-such-basis") as caught:
        perform(request, store, settings)
    assert "launcher.log" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not wait_for_silence(store.root)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_ends_all_ranks_with_one_line(small_disk: Path) -> None:
    settings = Settings(store=small_disk / "store", cores=2)
    store = ResultStore(settings.store)
    request = hydrogen(0.9, tiny_level())

    def fill(event: Progress) -> None:
        if event.kind == "scf":
            with (small_disk / "filler").open("ab") as stream:
                free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
                stream.write(b"x" * free)

    with pytest.raises(StoreError, match="No space left") as caught:
        perform(request, store, settings, fill)
    assert str(small_disk) in str(caught.value)
    assert "POMDFT_STORE" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not wait_for_silence(store.root)
    assert not (store.folder(request.key) / "result.json").exists()
    # With space again the same call finishes the work.
    (small_disk / "filler").unlink()
    assert perform(request, store, settings).max_force_ev_per_angstrom <= 0.05


def test_an_atom_at_the_face_of_the_cell_is_named(store: ResultStore, settings: Settings) -> None:
    molecule = Molecule(["H", "H"], [[0, 0, 0], [0, 0, 0.75]])
    box = Box((6.0, 6.0, 6.0), (0.5, 3.0, 3.0))
    model = make_model(molecule, tiny_level(), box, label="H2 at a face")
    request = CalculationInput.create("relaxation", model, tiny_level())
    with pytest.raises(ConvergenceError, match=r"atom \d \(H\), 0\.50 angstrom") as caught:
        perform(request, store, settings)
    assert "vacuum_angstrom" in str(caught.value)
    failure = store.find_failure(request.key)
    assert failure is not None
    assert failure.permanent
