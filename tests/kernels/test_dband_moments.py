import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import dawsn

from pomdft.errors import KernelInputError
from pomdft.kernels import compiled, reference_dband
from pomdft.kernels.dband import moments_from_grid, moments_from_projections
from pomdft.kernels.hilbert import transform_grid


def gaussian(e, center, sigma):
    return np.exp(-0.5 * ((e - center) / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))


@pytest.fixture
def grid():
    """Densities of 4 sites, 6 channels, and their energies."""
    rng = np.random.default_rng(0)
    energies = np.linspace(-12.0, 8.0, 2003)
    centers = rng.uniform(-6.0, 0.0, (4, 6, 1))
    return gaussian(energies, centers, rng.uniform(0.3, 1.0, (4, 6, 1))), energies


def test_moments_equal_numpy_integrals(kernel_path, grid):
    densities, e = grid
    moments = moments_from_grid(densities, e)
    for i, d in enumerate(densities.sum(axis=1)):
        weight = np.trapezoid(d, e)
        center = np.trapezoid(d * e, e) / weight
        width = np.sqrt(np.trapezoid(d * (e - center) ** 2, e) / weight)
        occupied = e <= 0.0
        edge = np.interp(0.0, e, d)
        filled = np.trapezoid(np.append(d[occupied], edge), np.append(e[occupied], 0.0))
        assert moments.weight[i] == pytest.approx(weight, rel=1e-12)
        assert moments.center_ev[i] == pytest.approx(center, abs=1e-10)
        assert moments.width_ev[i] == pytest.approx(width, abs=1e-10)
        assert moments.filling[i] == pytest.approx(filled / weight, abs=1e-10)


@pytest.mark.parametrize("window", [(-5.0, 1.0), (-7.513, -0.001), (-20.0, 20.0), (0.5, 3.0)])
def test_window_moments_equal_adaptive_integrals(kernel_path, grid, window):
    densities, e = grid
    moments = moments_from_grid(densities, e, window_ev=window)
    low, high = max(window[0], e[0]), min(window[1], e[-1])
    fine = np.linspace(low, high, 200_001)
    for i, d in enumerate(densities.sum(axis=1)):
        rho = np.interp(fine, e, d)
        weight = np.trapezoid(rho, fine)
        center = np.trapezoid(rho * fine, fine) / weight
        filled = np.trapezoid(np.where(fine <= 0.0, rho, 0.0), fine) / weight
        assert moments.weight[i] == pytest.approx(weight, rel=1e-4)
        assert moments.center_ev[i] == pytest.approx(center, abs=1e-4)
        assert moments.filling[i] == pytest.approx(filled, abs=1e-4)


def test_grid_need_not_be_even(kernel_path):
    e = np.sort(np.random.default_rng(1).uniform(-8.0, 4.0, 1500))
    moments = moments_from_grid(gaussian(e, -2.0, 0.5)[None, None], e, upper_edge=True)
    assert moments.center_ev[0] == pytest.approx(-2.0, abs=2e-3)
    assert moments.width_ev[0] == pytest.approx(0.5, abs=2e-3)
    assert moments.upper_edge_ev[0] == pytest.approx(-2.0 + 0.924139 * np.sqrt(2) * 0.5, abs=5e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [2, 3, 16, 17, 100, 1031])
@pytest.mark.parametrize("n_channels", [1, 5, 10])
def test_compiled_sums_equal_their_twin(compiled_path, dtype, n, n_channels):
    rng = np.random.default_rng(n)
    data = rng.normal(size=(3, n_channels, n)).astype(dtype)
    weights = rng.normal(size=(4, n))
    core = compiled.select("dband", reference_dband)
    assert core is not reference_dband
    for square in (False, True):
        ours = core.project(data, weights, square, compiled.simd_level())
        theirs = reference_dband.project(data, weights, square, 0)
        assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-11)
        assert np.array_equal(ours, core.project(data, weights, square, 0))


def test_single_precision_is_read_as_it_is(kernel_path, grid):
    densities, e = grid
    ours = moments_from_grid(densities.astype(np.float32), e)
    exact = moments_from_grid(densities.astype(np.float32).astype(np.float64), e)
    assert np.allclose(ours.center_ev, exact.center_ev, atol=1e-12)


def test_sharp_states_have_their_plain_moments(kernel_path):
    rng = np.random.default_rng(2)
    p = rng.normal(size=(3, 5, 40)) + 1j * rng.normal(size=(3, 5, 40))
    e, w = rng.uniform(-8.0, 4.0, 40), rng.uniform(0.0, 1.0, 40)
    moments = moments_from_projections(p, e, w)
    share = (abs(p) ** 2).sum(axis=1) * w
    center = share @ e / share.sum(axis=1)
    assert np.allclose(moments.weight, share.sum(axis=1), rtol=1e-12)
    assert np.allclose(moments.center_ev, center, atol=1e-10)
    variance = (share * (e - center[:, None]) ** 2).sum(axis=1) / share.sum(axis=1)
    assert np.allclose(moments.width_ev, np.sqrt(variance), atol=1e-10)
    assert np.allclose(moments.filling, share @ (e <= 0.0) / share.sum(axis=1), atol=1e-12)
    windowed = moments_from_projections(p, e, w, window_ev=(-3.0, 1.0))
    inside = share * ((e >= -3.0) & (e <= 1.0))
    assert np.allclose(windowed.center_ev, inside @ e / inside.sum(axis=1), atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_every_type_of_projections(kernel_path, dtype):
    rng = np.random.default_rng(3)
    p = rng.normal(size=(2, 5, 33)).astype(dtype)
    if np.iscomplexobj(p):
        p = p + 1j * rng.normal(size=p.shape).astype(p.real.dtype)
    assert p.dtype == dtype
    e, w = rng.uniform(-8.0, 4.0, 33), np.full(33, 2.0)
    share = (abs(p.astype(np.complex128)) ** 2).sum(axis=1)
    moments = moments_from_projections(p, e, w)
    assert np.allclose(moments.center_ev, share @ e / share.sum(axis=1), atol=1e-10)


@pytest.mark.parametrize("window", [None, (-4.0, 0.3), (-1.1, -0.9)])
def test_broadened_moments_equal_numerical_integrals(kernel_path, window):
    e, p, sigma = np.array([-3.0, -1.0, 0.2]), np.array([0.5, 1.0, 0.3]), 0.25

    def rho(x, power=0):
        return x**power * (p**2 * gaussian(x, e, sigma)).sum()

    low, high = window or (-8.0, 6.0)
    weight, first, second = (
        quad(rho, low, high, args=(k,), points=[-3, -1, 0.2], limit=400)[0] for k in range(3)
    )
    filled = quad(rho, low, min(high, 0.0), limit=400)[0]
    m = moments_from_projections(
        p[None, None], e, np.ones(3), window_ev=window, broadening_ev=sigma
    )
    assert m.weight[0] == pytest.approx(weight, abs=1e-7)
    assert m.center_ev[0] == pytest.approx(first / weight, abs=1e-6)
    assert m.width_ev[0] ** 2 == pytest.approx(second / weight - (first / weight) ** 2, abs=1e-6)
    assert m.filling[0] == pytest.approx(filled / weight, abs=1e-6)


def test_projections_and_grid_agree(kernel_path):
    rng = np.random.default_rng(4)
    p, e, w = rng.normal(size=(2, 5, 30)), rng.uniform(-6.0, 1.0, 30), np.full(30, 0.5)
    energies = np.linspace(-10.0, 5.0, 6001)
    rho = np.einsum("icn,n,ne->ice", p**2, w, gaussian(energies, e[:, None], 0.2))
    for window in (None, (-5.0, 0.5)):
        on_grid = moments_from_grid(rho, energies, window_ev=window, upper_edge=window is None)
        direct = moments_from_projections(
            p, e, w, window_ev=window, broadening_ev=0.2, upper_edge=window is None
        )
        for name in ("weight", "center_ev", "width_ev", "filling"):
            assert np.allclose(getattr(on_grid, name), getattr(direct, name), atol=1e-5)
        if window is None:
            assert np.allclose(on_grid.upper_edge_ev, direct.upper_edge_ev, atol=2e-3)


def test_occupations_give_the_filling(kernel_path):
    m = moments_from_projections(
        np.ones((1, 1, 3)), [-1.0, -0.05, 1.0], [1.0, 1.0, 1.0], occupations=[1.0, 0.6, 0.0]
    )
    assert m.filling[0] == pytest.approx(1.6 / 3.0)


def test_centre_of_the_whole_band_does_not_depend_on_broadening():
    p, e = np.ones((1, 1, 3)), np.array([-3.0, -2.5, 0.5])
    for sigma in (0.0, 0.1, 1.0):
        m = moments_from_projections(p, e, np.ones(3), broadening_ev=sigma)
        assert m.center_ev[0] == pytest.approx(e.mean(), abs=1e-12)
        assert m.width_ev[0] ** 2 == pytest.approx(e.var() + sigma**2, abs=1e-12)


def test_hilbert_transform_of_a_gaussian_is_the_dawson_function():
    for e in (np.linspace(-10, 10, 4001), np.sort(np.random.default_rng(0).uniform(-10, 10, 4001))):
        exact = np.sqrt(2.0) / (np.pi * 0.5) * dawsn((e + 2.0) / (np.sqrt(2.0) * 0.5))
        assert abs(transform_grid(gaussian(e, -2.0, 0.5)[None], e)[0] - exact).max() < 2e-3


def test_upper_edge_of_a_box_is_its_upper_end(kernel_path):
    e = np.linspace(-10.0, 5.0, 1501)
    box = ((e >= -6.0) & (e <= -1.0)).astype(float)
    m = moments_from_grid(box[None, None], e, upper_edge=True)
    assert m.upper_edge_ev[0] == pytest.approx(-1.0, abs=0.02)
    assert m.center_ev[0] == pytest.approx(-3.5, abs=1e-6)
    assert m.width_ev[0] == pytest.approx(5.0 / np.sqrt(12.0), abs=0.01)
    assert m.filling[0] == 1.0


GOOD = np.ones((2, 3, 5))
ENERGIES = np.linspace(-2.0, 2.0, 5)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"densities": np.ones((2, 5))}, "densities"),
        ({"densities": np.ones((2, 3, 4))}, "densities"),
        ({"densities": np.ones((2, 3, 5), dtype=complex)}, "densities"),
        ({"densities": np.zeros((0, 3, 5))}, "densities"),
        ({"densities": np.zeros((2, 3, 5))}, "densities: site 0 has no weight"),
        ({"densities": np.where(np.arange(5) == 2, np.nan, GOOD)}, "densities: site 0 .*finite"),
        ({"densities": np.where(np.arange(5) == 4, np.inf, GOOD)}, "densities: site 0 .*finite"),
        ({"densities": "text"}, "densities"),
        ({"energies_ev": ENERGIES[::-1]}, "energies_ev"),
        ({"energies_ev": np.zeros(5)}, "energies_ev"),
        ({"energies_ev": [0.0, 1.0, np.nan, 3.0, 4.0]}, "energies_ev"),
        ({"energies_ev": [1.0]}, "energies_ev"),
        ({"window_ev": (1.0, -1.0)}, "window_ev"),
        ({"window_ev": (5.0, 6.0)}, "window_ev"),
        ({"window_ev": (np.nan, 1.0)}, "window_ev"),
        ({"window_ev": 3.0}, "window_ev"),
        ({"window_ev": (-0.1, 0.1), "upper_edge": True}, "window_ev"),
    ],
)
def test_wrong_grids_are_refused(kernel_path, changes, name):
    arguments = {"densities": GOOD, "energies_ev": ENERGIES} | changes
    with pytest.raises(KernelInputError, match=f"^{name}"):
        moments_from_grid(**arguments)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"projections": np.ones((2, 3, 4))}, "projections"),
        ({"projections": np.zeros((2, 3, 5))}, "projections: site 0 has no weight"),
        ({"projections": np.full((2, 3, 5), np.nan)}, "projections: site 0"),
        ({"projections": np.full((2, 3, 5), np.inf)}, "projections: site 0"),
        ({"projections": np.array([["a"]])}, "projections"),
        ({"eigenvalues_ev": np.full(5, np.inf)}, "eigenvalues_ev"),
        ({"state_weights": -np.ones(5)}, "state_weights"),
        ({"state_weights": np.ones(4)}, "state_weights"),
        ({"occupations": np.full(5, 2.0)}, "occupations"),
        ({"broadening_ev": -0.1}, "broadening_ev"),
        ({"upper_edge": True}, "broadening_ev"),
        ({"window_ev": (10.0, 11.0)}, "window_ev"),
        ({"window_ev": (10.0, 11.0), "broadening_ev": 0.01}, "projections"),
    ],
)
def test_wrong_projections_are_refused(kernel_path, changes, name):
    arguments = {
        "projections": GOOD,
        "eigenvalues_ev": ENERGIES,
        "state_weights": np.ones(5),
    } | changes
    with pytest.raises(KernelInputError, match=f"^{name}"):
        moments_from_projections(**arguments)
