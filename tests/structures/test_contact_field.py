import numpy as np
import pytest
from scipy.optimize import approx_fprime

from pomdft.structures.contacts import ContactField, contact_distance, count_contacts
from pomdft.structures.docking import dock_ligand


@pytest.fixture(scope="module")
def field() -> ContactField:
    ligand = dock_ligand("W5O18", "vacancy", "protonated")
    symbols = [s.specie.symbol for s in ligand]
    site = ligand.properties["site"]["oxygen_indices"]
    return ContactField(symbols, ligand.cart_coords, ligand.site_properties["role"], site)


def test_gradient_is_the_derivative(field: ContactField) -> None:
    metals = ["Au", "Pd", "Ag"]
    xyz = np.array([[0.3, 0.2, 2.0], [2.0, 0.5, 1.7], [-1.4, 1.0, 1.9]])
    _, gradient = field.energy_and_gradient(metals, xyz)

    def energy(flat):
        return field.energy(metals, flat.reshape(3, 3))

    assert np.allclose(gradient.ravel(), approx_fprime(xyz.ravel(), energy, 1e-6), atol=1e-4)


def test_polishing_keeps_the_shape_and_never_lowers_the_score(field: ContactField) -> None:
    metals = ["Au"] * 4
    start = np.array([[0, 0, 2.2], [2.7, 0, 2.6], [1.3, 2.3, 2.6], [1.3, 0.8, 4.8]])
    end = field.polish(metals, start)
    before = np.linalg.norm(start[:, None] - start[None], axis=2)
    after = np.linalg.norm(end[:, None] - end[None], axis=2)
    assert np.allclose(before, after, atol=1e-8)
    assert field.score(metals, end) >= field.score(metals, start)


def test_touching_height_brings_one_pair_to_its_distance(field: ContactField) -> None:
    start = np.array([[0.4, -0.3, 20.0]])
    end = start + np.array([0, 0, field.touching_height(["Pt"], start)])
    gap = np.linalg.norm(field.positions - end, axis=1) - field.reach("Pt")
    assert gap.min() == pytest.approx(0.0, abs=1e-9)


def test_contacts_are_counted_within_a_fifth_of_the_typical_distance() -> None:
    wanted = contact_distance("Au")
    for factor, expected in ((1.0, 1), (1.19, 1), (1.21, 0)):
        assert count_contacts(["O"], [[0, 0, 0]], ["Au"], [[0, 0, factor * wanted]]) == expected
    assert count_contacts(["H", "W"], [[0, 0, 0], [0, 0, 9]], ["Au"], [[0, 0, 1.8]]) == 0
