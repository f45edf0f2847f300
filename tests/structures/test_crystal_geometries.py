"""Generated anions against anions cut out of crystal structures."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from ase.io import read

from pomdft.structures import registry
from pomdft.structures.connectivity import find_connectivity
from pomdft.structures.poms import build_pom
from pomdft.structures.registry import find_definition, register_pom
from pomdft.structures.xtb import relax_xtb

CRYSTALS = Path(__file__).parents[3] / "shared" / "reference" / "pom_crystals"
# The file's central atom was refined as P, but at 1.63 angstrom from its oxygens it is Si.
RENAMED = {"alpha-SiW12O40": ("P", "Si")}
FILES = {
    "alpha-SiW12O40": "SiW12O40_template.xyz",
    "alpha-PW11O39": "PW11O39_7-_NaPW11-Cs.xyz",
    "alpha-SiW11O39": "SiW11O39_8-_CaSiW11_Cs.xyz",
    "W5O18": "W5O18_6-_EuW5-Cs.xyz",
}
# Means over crystal structures in angstrom: alpha-PW12O40, H3PW12O40.6H2O (Brown et al., Acta
# Cryst. B33, 1038 (1977)); Cs2W6O19 type salts (Fuchs et al., Z. Naturforsch. 33b, 389 (1978)).
PUBLISHED = {
    "alpha-PW12O40": {
        ("W", "terminal"): 1.70,
        ("W", "corner-bridging"): 1.91,
        ("W", "edge-bridging"): 1.91,
        ("W", "on-heteroatom"): 2.44,
        ("P", "on-heteroatom"): 1.53,
    },
    # Means of the lacunary anion in caesium salts (github.com/iancolliard/
    # Colliard-Research.github.io, _crystallography/CaBW11_Cs.cif and files/SrGeW11-Cs.cif).
    "alpha-BW11O39": {
        ("W", "terminal"): 1.731,
        ("W", "unshared"): 1.767,
        ("W", "corner-bridging"): 1.905,
        ("W", "edge-bridging"): 1.936,
        ("W", "on-heteroatom"): 2.384,
        ("B", "on-heteroatom"): 1.515,
    },
    "alpha-GeW11O39": {
        ("W", "terminal"): 1.736,
        ("W", "corner-bridging"): 1.936,
        ("W", "edge-bridging"): 1.953,
        ("W", "on-heteroatom"): 2.279,
        ("Ge", "on-heteroatom"): 1.755,
    },
    "W6O19": {
        ("W", "terminal"): 1.69,
        ("W", "edge-bridging"): 1.92,
        ("W", "central"): 2.33,
    },
}
#: Means of the angles W-O-W (degrees) in the same salts: corner, edge.
PUBLISHED_ANGLES = {"alpha-BW11O39": (146.9, 121.6), "alpha-GeW11O39": (152.1, 119.2)}


def mean_geometry(symbols, positions):
    found = find_connectivity(symbols, positions)
    bonds, angles = defaultdict(list), defaultdict(list)
    for i, role in enumerate(found.roles):
        if symbols[i] != "O":
            continue
        ends = []
        for j in found.neighbours[i]:
            vector = positions[j] - positions[i]
            bonds[symbols[j], role].append(np.linalg.norm(vector))
            if symbols[j] == "W":
                ends.append(vector / np.linalg.norm(vector))
        if len(ends) == 2 and role in ("corner-bridging", "edge-bridging"):
            angles[role].append(np.degrees(np.arccos(ends[0] @ ends[1])))
    counts = {r: found.count(r) for r in set(found.roles)}
    means = {k: float(np.mean(v)) for k, v in bonds.items()}
    return counts, means, {k: float(np.mean(v)) for k, v in angles.items()}


def crystal(name):
    path = CRYSTALS / FILES[name]
    if not path.exists():
        pytest.skip("crystal structures are not at hand")
    atoms = read(path)
    old, new = RENAMED.get(name, ("", ""))
    symbols = [new if s == old else s for s in atoms.get_chemical_symbols()]
    return mean_geometry(symbols, atoms.positions)


@pytest.mark.parametrize("name", FILES)
def test_generated_geometry_matches_the_crystal(name: str) -> None:
    counts, bonds, angles = crystal(name)
    framework = find_definition(name).build()
    ours, our_bonds, our_angles = mean_geometry(framework.symbols, framework.positions)
    assert ours == counts
    assert set(our_bonds) == set(bonds)
    for kind, length in bonds.items():
        assert our_bonds[kind] == pytest.approx(length, abs=0.08), kind
    for kind, angle in angles.items():
        assert our_angles[kind] == pytest.approx(angle, abs=4.0), kind


@pytest.mark.parametrize(
    ("name", "force", "steps"),
    [("alpha-SiW12O40", 0.1, 20), ("alpha-SiW11O39", 0.2, 10), ("W5O18", 0.2, 10)],
)
def test_relaxed_geometry_matches_the_crystal(name: str, force: float, steps: int) -> None:
    counts, bonds, angles = crystal(name)
    relaxed = relax_xtb(build_pom(name, "solvated"), force, max_steps=steps)
    symbols = [s.specie.symbol for s in relaxed]
    ours, our_bonds, our_angles = mean_geometry(symbols, relaxed.cart_coords)
    assert ours == counts
    for kind, length in bonds.items():
        assert our_bonds[kind] == pytest.approx(length, abs=0.06), kind
    for kind, angle in angles.items():
        assert our_angles[kind] == pytest.approx(angle, abs=4.0), kind


@pytest.mark.parametrize("name", PUBLISHED)
def test_generated_geometry_matches_published_means(name: str) -> None:
    framework = find_definition(name).build()
    _, bonds, _ = mean_geometry(framework.symbols, framework.positions)
    for kind, length in PUBLISHED[name].items():
        assert bonds[kind] == pytest.approx(length, abs=0.08), kind


@pytest.mark.parametrize(("name", "angles"), PUBLISHED_ANGLES.items())
def test_generated_angles_match_published_means(name: str, angles: tuple[float, float]) -> None:
    framework = find_definition(name).build()
    _, _, ours = mean_geometry(framework.symbols, framework.positions)
    assert ours["corner-bridging"] == pytest.approx(angles[0], abs=4.0)
    assert ours["edge-bridging"] == pytest.approx(angles[1], abs=4.0)


@pytest.mark.parametrize("name", FILES)
def test_a_crystal_registered_by_a_user_is_that_pom(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_USER", {})
    path = CRYSTALS / FILES[name]
    if not path.exists():
        pytest.skip("crystal structures are not at hand")
    definition = register_pom("from-crystal", path)
    built = find_definition(name)
    # A phosphate's charge where the file says P.
    assert definition.charge == built.charge + (1 if name in RENAMED else 0)
    ours = build_pom(name, None).properties["oxygen_roles"]
    assert build_pom("from-crystal", None).properties["oxygen_roles"] == ours
