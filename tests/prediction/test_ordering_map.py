import time

import numpy as np
import pytest

from pomdft.errors import InputError
from pomdft.prediction.map import OrderingMap, ordering_map

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
