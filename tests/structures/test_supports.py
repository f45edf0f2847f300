import numpy as np
import pytest

from pomdft.errors import InputError, StructureError, UnknownNameError
from pomdft.structures.clusters import build_cluster
from pomdft.structures.docking import build_complexes
from pomdft.structures.poms import build_pom
from pomdft.structures.supports import add_named_support, add_support, build_graphene_patch


@pytest.mark.parametrize(("rings", "carbon", "hydrogen"), [(1, 6, 6), (2, 24, 12), (3, 54, 18)])
def test_patch_is_capped(rings: int, carbon: int, hydrogen: int) -> None:
    patch = build_graphene_patch(rings)
    symbols = [s.specie.symbol for s in patch]
    assert (symbols.count("C"), symbols.count("H")) == (carbon, hydrogen)
    distance = patch.distance_matrix
    for i, symbol in enumerate(symbols):
        bonds = int(((distance[i] > 0.1) & (distance[i] < 1.6)).sum())
        assert bonds == (3 if symbol == "C" else 1)


def test_cluster_lies_between_ligand_and_support() -> None:
    plain = build_complexes("W5O18", "Pt", n_best=1)[0]
    supported = build_complexes("W5O18", "Pt", n_best=1, support="graphene")[0]
    n = len(plain)
    assert np.array_equal(supported.cart_coords[:n], plain.cart_coords)
    fragment = np.array(supported.site_properties["fragment"])
    z = supported.cart_coords[:, 2]
    assert (fragment[n:] == "support").all()
    assert z[fragment == "metal"].max() < z[fragment == "support"].min()
    assert supported.charge == plain.charge
    assert supported.properties["support"] == "graphene-C54H18"


def test_bare_cluster_on_graphene() -> None:
    supported = add_support(build_cluster("Ag", "M13"), 2)
    gap = supported.cart_coords[13:, 2].min() - supported.cart_coords[:13, 2].max()
    assert 2.2 < gap < 3.0
    assert supported.spin_multiplicity == 2


def test_bad_input() -> None:
    with pytest.raises(InputError, match="n_rings"):
        build_graphene_patch(0)
    with pytest.raises(StructureError, match="no metal"):
        add_support(build_pom("W5O18"))
    with pytest.raises(UnknownNameError, match="support 'graphine'"):
        add_named_support(build_cluster("Au"), "graphine")


@pytest.mark.parametrize(("kind", "face"), [("M4", 3), ("M13-cuboctahedron", 4), ("M38", 7)])
def test_a_bare_cluster_lies_on_its_largest_face_within_the_patch(kind: str, face: int) -> None:
    cluster = build_cluster("Pt", kind)
    supported = add_support(cluster)
    n = len(cluster)
    assert np.allclose(supported.distance_matrix[:n, :n], cluster.distance_matrix)
    metal, carbon = supported.cart_coords[:n], supported.cart_coords[n:]
    assert int((metal[:, 2] > metal[:, 2].max() - 0.05).sum()) == face
    widest = np.linalg.norm(metal[:, :2] - metal[:, :2].mean(axis=0), axis=1).max()
    assert np.linalg.norm(carbon[:, :2] - metal[:, :2].mean(axis=0), axis=1).max() > widest
