import numpy as np
import pytest
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from pomdft.errors import InputError, StructureError, UnknownNameError
from pomdft.structures.connectivity import (
    OVERLAP_FRACTION,
    check_no_periodic_overlap,
    closest_pair,
)
from pomdft.structures.convert import to_atoms
from pomdft.structures.slabs import build_slab, build_slab_complexes

NEIGHBOUR_CELLS = [(n, m) for n in (-1, 0, 1) for m in (-1, 0, 1) if (n, m) != (0, 0)]


@pytest.mark.parametrize(
    ("metal", "facet", "spacing"),
    [("Au", "111", 2.355), ("Au", "100", 2.04), ("Ru", "0001", 2.14), ("Fe", "110", 2.03)],
)
def test_slab_layers(metal: str, facet: str, spacing: float) -> None:
    slab = build_slab(metal, facet, layers=4)
    z = np.unique(np.round(slab.cart_coords[:, 2], 3))
    assert len(z) == 4
    assert np.diff(z) == pytest.approx(spacing, abs=0.03)


@pytest.mark.parametrize(
    ("ligand", "metal", "facet", "site"),
    [
        ("alpha-PW11O39", "Au", "100", "vacancy"),
        ("alpha-PW11O39", "Au", "100", "terminal-face"),
        ("W5O18", "Ag", "111", "vacancy"),
        ("W5O18", "Ru", "0001", "edge"),
        ("PVP", "Fe", "110", "vacancy"),
    ],
)
def test_ligand_on_slab(ligand: str, metal: str, facet: str, site: str) -> None:
    found = build_slab_complexes(ligand, metal, facet, site)
    best = found[0]
    assert best.properties["contacts"] > 0
    assert best.properties["image_distance_angstrom"] >= 6.0
    fragment = np.array(best.site_properties["fragment"])
    n_ligand = int((fragment == "ligand").sum())
    assert (fragment[:n_ligand] == "ligand").all()
    z = best.cart_coords[:, 2]
    assert z[fragment == "ligand"].mean() > z[fragment == "metal"].max()
    assert z.min() > 0
    assert z.max() < best.lattice.c
    # Ligand to the next slab above, and to its own images, counted by the lattice.
    below = z[fragment == "metal"].min() + best.lattice.c
    assert below - z[fragment == "ligand"].max() >= 6.0
    images = best.distance_matrix[:n_ligand, n_ligand:]
    assert images.min() > 1.7
    symbols = [s.specie.symbol for s in best]
    assert closest_pair(symbols, best.cart_coords)[2] > OVERLAP_FRACTION
    scores = [s.properties["contact_score"] for s in found]
    assert scores == sorted(scores, reverse=True)


def test_bad_input() -> None:
    with pytest.raises(UnknownNameError, match=r"facet of hcp Ru '111'.*0001"):
        build_slab("Ru", "111")
    with pytest.raises(UnknownNameError, match="metal 'Xx'"):
        build_slab("Xx")
    with pytest.raises(InputError, match="layers"):
        build_slab("Au", "111", layers=0)
    with pytest.raises(InputError, match="vacuum_angstrom: 2"):
        build_slab_complexes("W5O18", "Ag", vacuum_angstrom=2.0)
    with pytest.raises(InputError, match="vacuum_angstrom: nan"):
        build_slab_complexes("W5O18", "Ag", vacuum_angstrom=float("nan"))


@pytest.mark.parametrize(
    ("metal", "facet"), [("Pt", "111"), ("Cu", "100"), ("Fe", "111"), ("Ru", "0001"), ("Cs", "110")]
)
def test_no_atom_is_near_an_image_of_any_other(metal: str, facet: str) -> None:
    found = build_slab_complexes("alpha-SiW11O39", metal, facet, n_best=2)
    for slab in found:
        atoms = to_atoms(slab)
        limits = (OVERLAP_FRACTION * covalent_radii[atoms.numbers]).tolist()
        assert len(neighbor_list("i", atoms, limits)) == 0
        ligand = atoms[[i for i, f in enumerate(atoms.arrays["fragment"]) if f == "ligand"]]
        shifted = [n * ligand.cell[0] + m * ligand.cell[1] for n, m in NEIGHBOUR_CELLS]
        gaps = [
            np.linalg.norm(ligand.positions[:, None] - ligand.positions[None] - s, axis=2).min()
            for s in shifted
        ]
        assert min(gaps) >= 6.0


def test_overlap_across_the_boundary_is_refused() -> None:
    close = Atoms("Pt2", [[0, 0, 0.2], [0, 0, 9.6]], cell=[10, 10, 10], pbc=True)
    with pytest.raises(StructureError, match="across the cell boundary"):
        check_no_periodic_overlap(close)
    check_no_periodic_overlap(Atoms("Pt2", [[0, 0, 0.2], [0, 0, 5.0]], cell=[10] * 3, pbc=True))
