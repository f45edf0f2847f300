import time

import numpy as np
import pytest

from pomdft.errors import InputError, UnknownNameError
from pomdft.prediction.interactive import plot_ordering_map
from pomdft.prediction.map import OrderingMap, ordering_map
from pomdft.prediction.palette import find_extrapolated_bands, place_labels
from pomdft.prediction.reduction import CoReduction

HELD = {"Au": -0.4, "Ag": (-1.4, 0.1)}


@pytest.fixture(scope="module")
def found() -> OrderingMap:
    return ordering_map(
        "Au",
        "Ag",
        "POM",
        np.linspace(0.0, 1.0, 11),
        np.linspace(300.0, 900.0, 4),
        affinity=HELD,
        n_members=32,
        n_sweeps=30,
    )


def test_core_shell_appears_where_the_shell_can_be_covered(found):
    # 162 of 309 sites are at the surface.
    low = found.core_shell_probability[found.fractions < 0.4]
    assert low.max() < 0.1
    assert found.core_shell_probability[np.isclose(found.fractions, 0.6)].min() > 0.5
    ends = found.core_shell_probability[[0, -1]]
    assert ends.max() == 0.0


def test_boundary_moves_smoothly_and_lies_in_its_band(found):
    entering = found.boundary().query("direction == 'entering'")
    assert len(entering) == 4
    assert (entering["lower"] <= entering["fraction"]).all()
    assert (entering["fraction"] <= entering["upper"]).all()
    assert (entering["upper"] > entering["lower"]).all()
    steps = np.diff(entering["fraction"].to_numpy())
    assert np.all(steps > -0.02)  # heat only makes a shell harder
    assert np.abs(steps).max() < 0.1


def test_surface_fraction_is_monotonic_in_the_ratio(found):
    assert np.all(np.diff(found.surface_fraction, axis=0) > -0.02)


def test_extrapolation_is_marked(found):
    assert found.extrapolated[:, -1].all()
    assert not found.extrapolated[:, 0].any()
    assert any("melting" in text for text in found.extrapolation)


def test_table_has_a_row_for_each_point(found):
    table = found.to_dataframe()
    assert len(table) == 44
    share = table[[c for c in table.columns if c.startswith("p_")]].sum(axis=1)
    np.testing.assert_allclose(share, 1.0)
    assert set(table["label"]) >= {"core-shell", "random-alloy"}


def test_tighter_hold_widens_the_core_shell_region():
    shared = {"n_members": 24, "n_sweeps": 30}
    widths = [
        ordering_map(
            "Au",
            "Ag",
            "POM",
            np.linspace(0.4, 0.8, 5),
            [300.0],
            affinity={"Au": -0.4, "Ag": (-0.4 - d, 0.1)},
            **shared,
        ).core_shell_probability.sum()
        for d in (0.2, 0.8, 2.0)
    ]
    assert widths[0] < widths[1] < widths[2]


def test_boundary_moves_smoothly_with_the_affinity_difference():
    where = []
    for difference in np.linspace(0.8, 1.6, 5):
        found = ordering_map(
            "Au",
            "Ag",
            "POM",
            np.linspace(0.3, 0.7, 17),
            [300.0],
            affinity={"Au": -0.4, "Ag": (-0.4 - difference, 0.1)},
            n_members=24,
            n_sweeps=24,
        )
        where.append(found.boundary().query("direction == 'entering'")["fraction"].iloc[0])
    # A tighter hold brings the boundary down towards what covers 85 % of the surface.
    assert np.all(np.diff(where) < 0.01)
    assert np.abs(np.diff(where)).max() < 0.06
    assert where[-1] > 0.85 * 162 / 309 - 0.05


def test_equal_affinities_leave_the_map_as_it_is():
    grid = {"fractions": [0.3, 0.6], "temperatures_k": [300.0, 600.0], "n_members": 8}
    bare = ordering_map("Ag", "Cu", n_sweeps=20, **grid)
    held = ordering_map("Ag", "Cu", "POM", affinity={"Ag": -0.6, "Cu": -0.6}, n_sweeps=20, **grid)
    np.testing.assert_array_equal(held.probabilities, bare.probabilities)
    np.testing.assert_array_equal(held.surface_fraction, bare.surface_fraction)


def test_co_reduction_is_mapped_over_the_ratio():
    grid = {"n_atoms": 147, "n_members": 8, "route": "co-reduction"}
    mild = ordering_map("Au", "Ag", None, [0.0, 0.3, 0.7, 1.0], [298.15, 400.0], **grid)
    strong = ordering_map(
        *("Au", "Ag", None, [0.0, 0.3, 0.7, 1.0], [298.15]),
        synthesis=CoReduction(reductant="hydrazine"),
        **grid,
    )
    assert mild.labels[2, 0] == "core-shell"
    assert strong.labels[2, 0] == "random-alloy"
    assert mild.surface_fraction[1, 0] > strong.surface_fraction[1, 0]
    np.testing.assert_array_equal(mild.surface_fraction[[0, 3], 0], [0.0, 1.0])
    assert mild.extrapolated[:, 1].all()
    assert not mild.extrapolated[:, 0].any()
    assert any("liquid water" in text for text in mild.extrapolation)
    assert set(mild.to_dataframe()["route"]) == {"co-reduction"}
    with pytest.raises(UnknownNameError, match="route"):
        ordering_map("Au", "Ag", route="magic")


def test_regions_are_named_where_they_are(found):
    places = place_labels(found)
    assert [name for name, _, _ in places][:2] == ["random-alloy", "core-shell"]
    for name, fraction, kelvin in places:
        row = np.abs(found.fractions - fraction).argmin()
        column = np.abs(found.temperatures_k - kelvin).argmin()
        assert found.labels[row, column] == name
        assert not found.extrapolated[row, column]


def test_extrapolated_bands_are_runs_of_temperature(found):
    assert find_extrapolated_bands(found) == [(600.0, 900.0)]
    outside = ordering_map(
        *("Au", "Ag", None, [0.5], [200.0, 250.0, 300.0, 400.0]),
        n_atoms=55,
        n_members=2,
        route="co-reduction",
    )
    assert find_extrapolated_bands(outside) == [(200.0, 275.0), (350.0, 400.0)]


@pytest.mark.parametrize("temperatures", [[300.0], [2000.0, 2500.0]])
@pytest.mark.parametrize("fractions", [[0.5], [0.0, 0.5, 1.0]])
def test_small_grids_are_drawn(fractions, temperatures):
    tiny = {"n_atoms": 13, "n_members": 2, "n_sweeps": 4}
    small = ordering_map("Au", "Ag", None, fractions, temperatures, **tiny)
    small.plot().canvas.draw()
    assert plot_ordering_map(small).data[0].z.shape == (len(temperatures), len(fractions))


def test_map_says_what_it_rests_on(found):
    for words in ("-1.40 ± 0.10", "negative = bound", "contacts per surface atom", "measured"):
        assert words in found.provenance


def test_progress_is_reported_and_maps_are_interactive():
    calls = []
    start = time.process_time()
    ordering_map(
        "Au",
        "Ag",
        fractions=[0.25, 0.5],
        progress=lambda done, total: calls.append((done, total)),
    )
    # Processor time of 2 of 21 ratios with 200 members and 11 temperatures; generous.
    assert time.process_time() - start < 15.0
    assert calls == [(1, 2), (2, 2)]


def test_bad_grids_are_refused():
    with pytest.raises(InputError, match="ascending"):
        ordering_map("Au", "Ag", fractions=[0.5, 0.2])
    with pytest.raises(InputError, match="temperature_k"):
        ordering_map("Au", "Ag", temperatures_k=[10.0, 300.0])
