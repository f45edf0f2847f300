from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pomdft.errors import StructureError
from pomdft.structures.connectivity import check_no_overlap, closest_pair, find_connectivity
from pomdft.structures.registry import find_definition

NAMES = ["W5O18", "alpha-SiW11O39", "A-alpha-SiW9O34", "gamma-SiW10O36"]


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_roles_do_not_depend_on_frame_or_order(name: str, seed: int) -> None:
    framework = find_definition(name).build()
    reference = find_connectivity(framework.symbols, framework.positions)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(framework))
    turned = Rotation.random(random_state=seed).apply(framework.positions.copy()) + 3.0
    symbols = [framework.symbols[i] for i in order]
    found = find_connectivity(symbols, turned[order])
    assert found.roles == tuple(reference.roles[i] for i in order)
    degrees = [len(reference.neighbours[i]) for i in order]
    assert [len(n) for n in found.neighbours] == degrees


def test_every_addendum_is_in_an_octahedron_and_has_one_terminal_oxygen() -> None:
    framework = find_definition("alpha-SiW12O40").build()
    found = find_connectivity(framework.symbols, framework.positions)
    for i in found.indices("addendum"):
        roles = Counter(found.roles[j] for j in found.neighbours[i])
        assert roles == {
            "on-heteroatom": 1,
            "edge-bridging": 2,
            "corner-bridging": 2,
            "terminal": 1,
        }


def test_counter_cations_and_protons_do_not_change_oxygen_roles() -> None:
    framework = find_definition("W5O18").build()
    found = find_connectivity(framework.symbols, framework.positions)
    symbols = [*framework.symbols, "H", "Cs"]
    top = framework.positions[found.indices("unshared")[0]]
    extra = np.vstack([framework.positions, top + np.array([0, 0, 0.97]), [0, 0, -6.5]])
    more = find_connectivity(symbols, extra)
    assert more.roles == (*found.roles, "proton", "cation")


def test_overlap_is_refused_and_names_the_atoms() -> None:
    with pytest.raises(StructureError, match=r"Atoms 0 \(W\) and 1 \(O\).*0\.50 angstrom"):
        check_no_overlap(["W", "O"], [[0, 0, 0], [0, 0, 0.5]])
    check_no_overlap(["W", "O"], [[0, 0, 0], [0, 0, 1.72]])


def test_positions_that_are_not_finite_are_refused() -> None:
    with pytest.raises(StructureError, match="finite"):
        closest_pair(["W", "O"], [[0, 0, 0], [0, 0, np.nan]])
    with pytest.raises(StructureError, match="finite"):
        find_connectivity(["W", "O"], [[0, 0, 0], [0, 0, np.inf]])


def test_far_atoms_have_no_closest_pair() -> None:
    assert closest_pair(["W", "O"], [[0, 0, 0], [0, 0, 9.0]]) is None
