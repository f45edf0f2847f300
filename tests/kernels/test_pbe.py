"""The PBE functional: against known limits, its own derivatives, and GPAW's."""

import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels.pbe import evaluate_pbe


def make_points(n_spins, n_points=1003, seed=0):
    """Return densities over eight decades, with gradients as atoms have them."""
    rng = np.random.default_rng(seed)
    densities = 10.0 ** rng.uniform(-7.0, 1.0, (1, n_points)) * rng.uniform(
        0.1, 1.0, (n_spins, n_points)
    )
    gradients = densities[:, None] ** (4 / 3) * rng.normal(scale=3.0, size=(n_spins, 3, n_points))
    products = [
        (gradients[p // 2] * gradients[(p + 1) // 2]).sum(axis=0) for p in range(2 * n_spins - 1)
    ]
    return densities, np.array(products)


def test_exchange_and_correlation_of_the_uniform_gas(kernel_path):
    """At a radius of 2 bohr; correlation: D. M. Ceperley, B. J. Alder, Phys. Rev. Lett. 45, 566."""
    n = 3.0 / (4.0 * np.pi * 2.0**3)
    exchange = -0.75 * (9.0 / (4.0 * np.pi**2)) ** (1 / 3) / 2.0
    for densities, correlation, factor in (
        (np.array([[n]]), -0.0448, 1.0),
        (np.array([[n], [0.0]]), -0.0239, 2.0 ** (1 / 3)),
    ):
        products = np.zeros((2 * len(densities) - 1, 1))
        energies, _ = evaluate_pbe(densities, products, np.zeros_like(densities))
        assert energies[0] / n - exchange * factor == pytest.approx(correlation, abs=2e-4)


@pytest.mark.parametrize("n_spins", [1, 2])
def test_potentials_and_slopes_are_derivatives_of_the_energy(kernel_path, n_spins):
    densities, products = make_points(n_spins)
    potentials = np.zeros_like(densities)
    _, slopes = evaluate_pbe(densities, products, potentials)

    def differentiate(which, row):
        step = np.zeros_like(which)
        step[row] = 1e-5 * abs(which[row])
        found = []
        for sign in (1, -1):
            moved = which + sign * step
            n, p = (moved, products) if which is densities else (densities, moved)
            found.append(evaluate_pbe(n, p, np.zeros_like(densities))[0])
        return (found[0] - found[1]) / (2.0 * step[row])

    for s in range(n_spins):
        assert differentiate(densities, s) == pytest.approx(potentials[s], rel=2e-6, abs=1e-7)
    for p in range(len(products)):
        # Steps below rounding of the energy say nothing: compare in units of what the product adds.
        size = abs(products[p]) / densities.sum(axis=0) ** (4 / 3)
        error = (differentiate(products, p) - slopes[p]) * size
        assert abs(error).max() < 1e-9


@pytest.mark.parametrize("n_spins", [1, 2])
def test_every_path_gives_the_same(monkeypatch, kernel_path, n_spins):
    densities, products = make_points(n_spins, n_points=4 * 17)
    densities[:, :5] = [0.0, 1e-30, -1e-9, 1e-11, 5e-10]
    densities, products = densities.reshape(n_spins, 4, 17), products.reshape(-1, 4, 17)
    potentials = np.full_like(densities, 0.5)
    energies, slopes = evaluate_pbe(densities, products, potentials)
    monkeypatch.setenv("POMDFT_KERNELS", "reference")
    expected = np.full_like(densities, 0.5)
    energies_expected, slopes_expected = evaluate_pbe(densities, products, expected)
    assert energies == pytest.approx(energies_expected, rel=1e-11)
    assert potentials == pytest.approx(expected, rel=1e-10)
    scale = densities.sum(axis=0).clip(1e-10) ** (-4 / 3)
    assert slopes / scale == pytest.approx(slopes_expected / scale, abs=1e-10)


@pytest.mark.parametrize("n_spins", [1, 2])
def test_gpaw_has_the_same_functional(kernel_path, n_spins):
    kernel = pytest.importorskip("gpaw.xc.kernel").XCKernel("PBE")
    densities, products = make_points(n_spins, seed=3)
    densities[:, :4] = [0.0, 1e-12, 1e-10, 1e-8]
    theirs = np.zeros_like(densities)
    energies, slopes = np.empty(densities.shape[1]), np.empty_like(products)
    kernel.calculate(energies, densities, theirs, products, slopes)
    ours = np.zeros_like(densities)
    found, found_slopes = evaluate_pbe(densities, products, ours)
    assert found == pytest.approx(energies, rel=1e-10)
    assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-10)
    scale = densities.sum(axis=0).clip(1e-10) ** (-4 / 3)
    assert found_slopes / scale == pytest.approx(slopes / scale, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"densities": np.ones((3, 8))}, "densities"),
        ({"densities": np.ones(8)}, "densities"),
        ({"densities": np.ones((2, 8))}, "products"),
        ({"products": np.ones((1, 7))}, "products"),
        ({"potentials": np.ones((1, 7))}, "potentials"),
        ({"potentials": np.ones((1, 16))[:, ::2]}, "would be copied"),
        ({"potentials": np.ones((1, 8), dtype=np.float32)}, "would be copied"),
        ({"energies": np.ones(7)}, "energies"),
        ({"slopes": np.ones((8, 1)).T[:, ::-1]}, "would be copied"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    given = {
        "densities": np.ones((1, 8)),
        "products": np.ones((1, 8)),
        "potentials": np.ones((1, 8)),
    }
    with pytest.raises(KernelInputError, match=words):
        evaluate_pbe(**(given | changes))
