import numpy as np
import pytest

from pomdft.errors import UnknownNameError
from pomdft.structures.solutes import (
    ION_COMPLEXES,
    build_ion_complex,
    build_solute,
    find_ion_complex,
    list_salts,
)


@pytest.mark.parametrize("name", sorted(ION_COMPLEXES))
def test_complexes_have_the_charge_and_ligands_of_their_names(name):
    found = ION_COMPLEXES[name]
    molecule = build_ion_complex(name)
    donors = [site.specie.symbol for site in molecule].count("O" if "H2O" in name else "Cl")
    assert donors == found.donors
    written = name.split("]")[1]
    sign = 1 if written.endswith("+") else -1
    assert molecule.charge == found.charge == sign * int(written[:-1] or 1)
    assert molecule.properties["solvent"] == "water"
    center = molecule[0].coords
    bonded = sorted(np.linalg.norm(site.coords - center) for site in molecule[1:])[:donors]
    assert np.allclose(bonded, found.bond_angstrom, atol=0.1)
    # No hydrogen of one water on another water, and all of them away from the metal.
    distances = molecule.distance_matrix
    assert np.min(distances[np.triu_indices(len(molecule), 1)]) > 0.85
    for i, site in enumerate(molecule):
        if site.specie.symbol == "H":
            assert distances[0, i] > found.bond_angstrom + 0.2


def test_only_copper_is_open_shell():
    spins = {n: build_ion_complex(n).spin_multiplicity for n in ION_COMPLEXES}
    assert {n for n, s in spins.items() if s > 1} == {"[Cu(H2O)4]2+", "[Cu(H2O)6]2+"}
    copper = build_ion_complex("Cu2+")
    assert copper.site_properties["fragment"][0] == "metal"
    assert set(build_ion_complex("Pd2+").site_properties["fragment"]) == {"ligand"}


def test_salts_name_their_first_complex():
    assert find_ion_complex("Ag+").name == "[Ag(H2O)2]+"
    assert find_ion_complex("[AuCl4]-").ion == "Au3+"
    assert {"Ag+", "[PdCl4]2-", "Cu2+"} <= set(list_salts())
    with pytest.raises(UnknownNameError, match="'Ag"):
        find_ion_complex("Ag2+")


def test_hydronium_is_a_flat_pyramid_of_equal_bonds():
    hydronium = build_solute("H3O+")
    assert hydronium.charge == 1
    bonds = [hydronium.get_distance(0, i) for i in (1, 2, 3)]
    assert bonds == pytest.approx([0.98] * 3, abs=1e-5)
    angles = [hydronium.get_angle(i, 0, j) for i, j in ((1, 2), (1, 3), (2, 3))]
    assert angles == pytest.approx([111.0] * 3, abs=0.01)
    with pytest.raises(UnknownNameError, match="H3O"):
        build_solute("HO3+")
