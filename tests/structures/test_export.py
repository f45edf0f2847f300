import json
from pathlib import Path

import numpy as np
import pytest
from ase.db import connect
from ase.io import read

from pomdft.errors import InputError
from pomdft.structures.docking import build_complexes
from pomdft.structures.export import write_structures
from pomdft.structures.slabs import build_slab


def test_every_format_reads_back(tmp_path: Path) -> None:
    molecules = build_complexes("W5O18", "Cu", n_best=2)
    for suffix in (".xyz", ".extxyz", ".cif"):
        path = write_structures(molecules, tmp_path / f"out{suffix}")
        frames = read(path, ":")
        assert len(frames) == (1 if suffix == ".cif" else 2)
        assert frames[0].get_chemical_symbols() == [s.specie.symbol for s in molecules[0]]
        distance = frames[0].get_all_distances()
        assert np.allclose(distance, molecules[0].distance_matrix, atol=1e-4)
    rich = read(tmp_path / "out.extxyz", 0)
    assert list(rich.arrays["role"]) == molecules[0].site_properties["role"]
    assert rich.info["multiplicity"] == 1


def test_database_keeps_properties(tmp_path: Path) -> None:
    molecules = build_complexes("W5O18", "Cu", n_best=2)
    path = write_structures(molecules, tmp_path / "out.db")
    with connect(str(path)) as database:
        row = next(iter(database.select(label="W5O18-Cu4")))
        assert database.count() == 2
    assert row.total_charge == 0
    assert json.loads(json.dumps(row.data))["orientation"] == molecules[0].properties["orientation"]


def test_slab_keeps_its_cell(tmp_path: Path) -> None:
    slab = build_slab("Pt", "100", (2, 2))
    atoms = read(write_structures([slab], tmp_path / "slab.cif"))
    assert np.allclose(atoms.cell.lengths(), slab.lattice.abc, atol=1e-4)


def test_bad_input(tmp_path: Path) -> None:
    molecules = build_complexes("W5O18", "Cu", n_best=1)
    with pytest.raises(InputError, match="no known suffix"):
        write_structures(molecules, tmp_path / "out.pdb")
    with pytest.raises(InputError, match="no structure"):
        write_structures([], tmp_path / "out.xyz")
    with pytest.raises(InputError, match="cannot be written"):
        write_structures(molecules, tmp_path / "nowhere" / "out.xyz")
