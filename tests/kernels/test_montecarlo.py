"""Sampling against exact enumeration, and the public functions' behaviour."""

import itertools

import numpy as np
import pytest

from pomdft.errors import InputError, KernelInputError, UnknownNameError
from pomdft.kernels import compiled
from pomdft.kernels.energy import total_energy
from pomdft.kernels.lattice import build_lattice
from pomdft.kernels.model import LatticeModel
from pomdft.kernels.montecarlo import anneal, run_canonical, run_grand_canonical
from pomdft.kernels.montecarlo_tables import reduce_model, tabulate_sites
from pomdft.kernels.ordering_statistics import describe_ordering
from pomdft.units import BOLTZMANN_EV_PER_K

# The twin gives the same trajectories (test_montecarlo_engines), in hours.
needs_compiled = pytest.mark.skipif(
    not compiled.is_compiled("montecarlo"), reason="long sampling needs the compiled kernels"
)
COHESIVE = -np.array([3.81, 2.95, 3.49, 3.60])


def make_model(n_species, n_sites=None, mixing=0.02, seed=1):
    """Bond-centric half bonds with ordering, and a random site term on every site."""
    half = np.zeros((n_species, n_species, 13))
    for s, t in itertools.product(range(n_species), repeat=2):
        weight = 1.0 if s == t else 1.0 + mixing * (s + t)
        half[s, t, 1:] = weight * COHESIVE[s] * np.sqrt(12 / np.arange(1.0, 13)) / 12
    site = None
    if n_sites is not None:
        site = np.random.default_rng(seed).normal(0.0, 0.05, (n_sites, n_species))
    return LatticeModel(half, site)


def enumerate_states(n, n_species, counts=None):
    """All occupations, or all with the given numbers of atoms; shape (n_states, n)."""
    if counts is None:
        return np.array(list(itertools.product(range(n_species), repeat=n)), np.uint8)
    states = [np.zeros(n, np.uint8)]
    for s in range(1, n_species):
        states = [
            _placed(state, chosen, s)
            for state in states
            for chosen in itertools.combinations(np.flatnonzero(state == 0), counts[s])
        ]
    return np.array(states)


def _placed(state, chosen, s):
    state = state.copy()
    state[list(chosen)] = s
    return state


def exact(lattice, model, states, kelvin, potentials=None):
    site = None if model.site_ev is None else model.site_ev[None]
    reduced = reduce_model(tabulate_sites(lattice), model.half_bond_ev[None], site)
    energies = reduced.energies(states)
    weighed = energies.copy()
    if potentials is not None:
        for s, mu in enumerate(potentials):
            weighed -= mu * (states == s).sum(axis=1)
    weights = np.exp(-(weighed - weighed.min()) / (BOLTZMANN_EV_PER_K * kelvin))
    return energies, weighed, weights / weights.sum()


def chi_square(codes, states_code, weights, classes=40):
    """Chi-square per degree of freedom over classes of states of equal expected share, in sigma."""
    order = np.argsort(weights, kind="stable")
    share = np.cumsum(weights[order])
    label = np.empty(len(weights), int)
    label[order] = np.minimum((share * classes).astype(int), classes - 1)
    lookup = dict(zip(states_code.tolist(), label.tolist(), strict=True))
    seen = np.bincount([lookup[c] for c in codes.tolist()], minlength=classes)
    expected = np.bincount(label, weights, minlength=classes) * len(codes)
    used = expected > 5
    chi = ((seen[used] - expected[used]) ** 2 / expected[used]).sum()
    freedom = used.sum() - 1
    return (chi - freedom) / np.sqrt(2 * freedom)


def encode(species, n_species):
    powers = n_species ** np.arange(species.shape[-1], dtype=np.int64)
    return (species.astype(np.int64) * powers).sum(axis=-1)


@pytest.fixture(scope="module")
def particle():
    return build_lattice("cuboctahedron", shells=1)


@needs_compiled
@pytest.mark.parametrize("engine", ["chain", "replicas"])
@pytest.mark.parametrize(
    ("n_species", "counts", "move", "tempering"),
    [
        (2, (7, 6), "any", False),
        (2, (10, 3), "neighbours", False),
        (2, (7, 6), "any", True),
        (3, (8, 3, 2), "any", False),
        (3, (9, 2, 2), "neighbours", False),
        (4, (9, 2, 1, 1), "any", False),
    ],
)
def test_canonical_sampling_is_boltzmann(particle, engine, n_species, counts, move, tempering):
    model = make_model(n_species, len(particle))
    kelvin = 900.0
    states = enumerate_states(13, n_species, counts)
    energies, _, weights = exact(particle, model, states, kelvin)
    ladder = np.array([kelvin, 1400.0] * 32) if tempering else np.full(64, kelvin)
    result = run_canonical(
        particle,
        model,
        np.array(counts),
        ladder,
        n_sweeps=2400,
        n_equilibration=100,
        seed=5,
        engine=engine,
        move=move,
        tempering=tempering,
        exchange_every=10,
        ladders=np.repeat(np.arange(32), 2) if tempering else None,
        record_every=20,
        count_every=1,
    )
    assert result.engine == engine
    at = ladder == kelvin
    codes = encode(result.trajectory.species[:, at], n_species).ravel()
    assert abs(chi_square(codes, encode(states, n_species), weights)) < 4.5
    mean = (weights * energies).sum()
    capacity = ((weights * energies**2).sum() - mean**2) / (BOLTZMANN_EV_PER_K * kelvin**2)
    spread = result.mean_energy_ev[at].std(ddof=1) / np.sqrt(at.sum())
    assert abs(result.mean_energy_ev[at].mean() - mean) < 4.5 * spread
    # The standard error that each replica states is of the size of the spread between replicas.
    stated = np.sqrt((result.energy_error_ev[at] ** 2).mean())
    assert stated == pytest.approx(result.mean_energy_ev[at].std(ddof=1), rel=0.4)
    found = result.heat_capacity_ev_per_k[at]
    assert (
        abs(found.mean() - capacity) < 4.5 * found.std(ddof=1) / np.sqrt(at.sum()) + 2e-3 * capacity
    )
    surface, shells, _ = describe_ordering(particle, states, n_species)
    for mine, exactly in ((result.surface_composition, surface), (result.shell_profile, shells)):
        error = mine[at].std(axis=0, ddof=1) / np.sqrt(at.sum())
        want = np.tensordot(weights, exactly, 1)
        assert (np.abs(mine[at].mean(axis=0) - want) < 5 * error + 1e-12).all()


@needs_compiled
@pytest.mark.parametrize("engine", ["chain", "replicas"])
@pytest.mark.parametrize("n_species", [2, 3, 4])
def test_grand_canonical_sampling_is_boltzmann(engine, n_species):
    # A slab of 9 sites, where every site meets its neighbours in the plane through the boundary.
    lattice = (
        build_lattice("slab", width=3, layers=1)
        if n_species > 2
        else build_lattice("cuboctahedron", shells=1)
    )
    n = len(lattice)
    model = make_model(n_species, n)
    potentials = np.array([0.0, 0.1, -0.1, 0.05])[:n_species]
    kelvin = 1500.0
    states = enumerate_states(n, n_species)
    energies, weighed, weights = exact(lattice, model, states, kelvin, potentials)
    result = run_grand_canonical(
        lattice,
        model,
        potentials,
        np.full(64, kelvin),
        n_sweeps=2400,
        n_equilibration=200,
        seed=9,
        engine=engine,
        record_every=20,
    )
    codes = encode(result.trajectory.species, n_species).ravel()
    assert abs(chi_square(codes, encode(states, n_species), weights)) < 4.5
    error = result.mean_energy_ev.std(ddof=1) / 8
    assert abs(result.mean_energy_ev.mean() - (weights * energies).sum()) < 4.5 * error
    variance = (weights * weighed**2).sum() - (weights * weighed).sum() ** 2
    capacity = variance / (BOLTZMANN_EV_PER_K * kelvin**2)
    assert result.heat_capacity_ev_per_k.mean() == pytest.approx(capacity, rel=0.02)
    for s in range(n_species):
        share = (weights * (states == s).mean(axis=1)).sum()
        error = result.composition[:, s].std(ddof=1) / 8
        assert abs(result.composition[:, s].mean() - share) < 4.5 * error


@needs_compiled
@pytest.mark.parametrize("engine", ["chain", "replicas"])
@pytest.mark.parametrize(
    ("n_species", "counts"), [(2, (7, 6)), (2, (11, 2)), (3, (9, 2, 2)), (4, (9, 2, 1, 1))]
)
def test_annealing_finds_the_ground_state(particle, engine, n_species, counts):
    model = make_model(n_species, len(particle), seed=4)
    states = enumerate_states(13, n_species, counts)
    lowest = exact(particle, model, states, 300.0)[0].min()
    found = anneal(particle, model, np.array(counts), engine=engine, seed=2)
    assert found.energies_ev[found.best] == pytest.approx(lowest, abs=1e-9)
    assert total_energy(particle, model, found.species[found.best]) == pytest.approx(lowest)


@needs_compiled
def test_annealing_finds_the_ground_state_of_38_atoms():
    lattice = build_lattice("truncated-octahedron", n_atoms=38)
    model = make_model(2, 38, seed=8)
    states = enumerate_states(38, 2, (35, 3))
    lowest = exact(lattice, model, states, 300.0)[0].min()
    found = anneal(lattice, model, np.array([35, 3]), seed=1)
    assert found.energies_ev.min() == pytest.approx(lowest, abs=1e-9)


@pytest.mark.parametrize("engine", ["chain", "replicas"])
def test_what_is_counted_on_the_fly_is_what_the_trajectory_shows(engine):
    lattice = build_lattice("truncated-octahedron", n_atoms=201)
    model = make_model(3, 201)
    result = run_canonical(
        lattice,
        model,
        [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]],
        [400.0, 900.0],
        n_sweeps=20,
        n_equilibration=3,
        engine=engine,
        count_every=1,
        record_every=1,
    )
    species = result.trajectory.species
    assert species.shape == (20, 2, 201)
    for r in range(2):
        surface, shells, _ = describe_ordering(lattice, species[:, r], 3)
        np.testing.assert_allclose(result.surface_composition[r], surface.mean(axis=0))
        np.testing.assert_allclose(result.shell_profile[r], shells.mean(axis=0))
        energies = [total_energy(lattice, model, s) for s in species[:, r]]
        np.testing.assert_allclose(result.trajectory.energies_ev[:, r], energies)
        # The mean is corrected at four points of the run for what quantisation changes.
        assert result.mean_energy_ev[r] == pytest.approx(np.mean(energies), abs=2e-3)
        capacity = np.var(energies) / (BOLTZMANN_EV_PER_K * result.temperatures_k[r] ** 2)
        assert result.heat_capacity_ev_per_k[r] == pytest.approx(capacity, rel=0.02)
        counts = [(s == c).sum() for s in species[:, r] for c in range(3)]
        assert len({tuple(x) for x in np.reshape(counts, (-1, 3))}) == 1
    _, _, pairs = describe_ordering(lattice, species[:, 0], 3)
    np.testing.assert_allclose(result.warren_cowley[0], pairs.mean(axis=0), atol=0.02)
    np.testing.assert_array_equal(result.final_species, species[-1])
    assert len(result.to_dataframe()) == 2
    assert "2 replicas of 201 sites" in repr(result)


@pytest.mark.parametrize("engine", ["chain", "replicas"])
def test_a_replica_does_not_depend_on_the_others(engine):
    lattice = build_lattice("cuboctahedron", n_atoms=55)
    model = make_model(2)
    shared = {"n_sweeps": 20, "seed": 3, "engine": engine}
    x = np.linspace(0.2, 0.8, 40)
    fractions = np.stack([1 - x, x], axis=1)
    kelvin = np.linspace(300.0, 1500.0, 40)
    site = np.random.default_rng(0).normal(0, 0.02, (40, 55, 2))
    half = model.half_bond_ev * np.linspace(0.9, 1.1, 40)[:, None, None, None]
    every = run_canonical(
        lattice, model, fractions, kelvin, site_ev=site, half_bond_ev=half, **shared
    )
    alone = run_canonical(
        lattice,
        model,
        fractions[17],
        kelvin[17],
        site_ev=site[17],
        half_bond_ev=half[17],
        streams=[17],
        **shared,
    )
    if engine == "replicas":
        # The resolution is chosen for all replicas together, so only statistics agree.
        assert alone.proposed[0] == pytest.approx(every.proposed[17], rel=0.1)
    part = run_canonical(lattice, model, fractions[:35], kelvin[:35], site_ev=site[:35], **shared)
    one = run_canonical(
        lattice, model, fractions[:35], kelvin[:35], site_ev=site[:35], n_threads=1, **shared
    )
    np.testing.assert_array_equal(part.final_species, one.final_species)
    plain = run_canonical(lattice, model, fractions, kelvin, **shared)
    single = run_canonical(lattice, model, fractions[17], kelvin[17], streams=[17], **shared)
    np.testing.assert_array_equal(plain.final_species[17], single.final_species[0])
    assert plain.mean_energy_ev[17] == pytest.approx(single.mean_energy_ev[0], abs=1e-9)


@needs_compiled
def test_engines_agree_and_auto_chooses():
    lattice = build_lattice("truncated-octahedron", n_atoms=201)
    model = make_model(2)
    shared = {"n_sweeps": 1500, "n_equilibration": 200, "seed": 1}
    means = {}
    for engine in ("chain", "replicas"):
        result = run_canonical(
            lattice, model, [0.5, 0.5], np.full(16, 600.0), engine=engine, **shared
        )
        means[engine] = (
            result.mean_energy_ev.mean(),
            result.mean_energy_ev.std(ddof=1) / 4,
        )
    difference = means["chain"][0] - means["replicas"][0]
    assert abs(difference) < 4.5 * np.hypot(means["chain"][1], means["replicas"][1])
    few = run_canonical(lattice, model, [0.5, 0.5], 600.0, n_sweeps=2)
    many = run_canonical(lattice, model, [0.5, 0.5], np.full(8, 600.0), n_sweeps=2)
    cold = run_canonical(lattice, model, [0.5, 0.5], np.full(8, 2.0), n_sweeps=2)
    assert (few.engine, many.engine, cold.engine) == ("chain", "replicas", "chain")


def test_zero_kelvin_only_goes_down():
    lattice = build_lattice("cuboctahedron", n_atoms=55)
    model = make_model(2, 55)
    for engine in ("chain", "replicas"):
        result = run_canonical(
            lattice, model, [0.5, 0.5], np.zeros(9), n_sweeps=30, engine=engine, record_every=1
        )
        steps = np.diff(result.trajectory.energies_ev, axis=0)
        assert (steps <= result.move_error_ev * 20).all()
        assert np.isnan(result.heat_capacity_ev_per_k).all()


def test_one_species_only_stays_put():
    lattice = build_lattice("cuboctahedron", n_atoms=55)
    for engine in ("chain", "replicas"):
        result = run_canonical(lattice, make_model(2), [1.0, 0.0], 300.0, n_sweeps=3, engine=engine)
        assert (result.final_species == 0).all()
        assert np.isnan(result.acceptance).all()
        assert result.heat_capacity_ev_per_k[0] == 0


GOOD = {
    "composition_or_initial": [0.5, 0.5],
    "temperatures_k": 300.0,
    "n_sweeps": 2,
}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"composition_or_initial": [0.5, 0.6]}, "composition_or_initial"),
        ({"composition_or_initial": [1.5, -0.5]}, "composition_or_initial"),
        ({"composition_or_initial": [np.nan, 0.5]}, "composition_or_initial"),
        ({"composition_or_initial": [7, 7]}, "composition_or_initial"),
        ({"composition_or_initial": [0.2, 0.3, 0.5]}, "composition_or_initial"),
        ({"composition_or_initial": np.full(13, 2)}, "composition_or_initial"),
        ({"composition_or_initial": np.full(13, -1)}, "composition_or_initial"),
        ({"composition_or_initial": np.full(13, 0.5)}, "composition_or_initial"),
        ({"composition_or_initial": [[0.5, 0.5]] * 2, "temperatures_k": [1.0] * 3}, "replicas"),
        ({"temperatures_k": -1.0}, "temperatures_k"),
        ({"temperatures_k": [300.0, np.inf]}, "temperatures_k"),
        ({"temperatures_k": []}, "temperatures_k"),
        ({"temperatures_k": "hot"}, "temperatures_k"),
        ({"temperatures_k": 0.0, "tempering": True}, "temperatures_k"),
        ({"n_sweeps": 0}, "n_sweeps"),
        ({"n_sweeps": 1.5}, "n_sweeps"),
        ({"n_equilibration": -1}, "n_equilibration"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"site_ev": np.zeros((12, 2))}, "site_ev"),
        ({"site_ev": np.full((13, 2), np.nan)}, "site_ev"),
        ({"half_bond_ev": np.zeros((2, 2, 12))}, "half_bond_ev"),
        ({"half_bond_ev": np.zeros((2, 2, 13), complex)}, "half_bond_ev"),
        ({"streams": [-1]}, "streams"),
        ({"streams": [0.5]}, "streams"),
        ({"n_threads": 0}, "n_threads"),
        ({"record_every": 0}, "record_every"),
        ({"count_every": 0}, "count_every"),
        ({"replicas": 0}, "replicas"),
        ({"tempering": True, "ladders": [1, 2]}, "ladders"),
        ({"tempering": True, "exchange_every": 0}, "exchange_every"),
        ({"move": "flip"}, "move"),
    ],
)
def test_bad_input_names_the_argument(particle, change, name):
    arguments = {**GOOD, **change}
    start, kelvin = arguments.pop("composition_or_initial"), arguments.pop("temperatures_k")
    with pytest.raises(KernelInputError, match=name):
        run_canonical(particle, make_model(2), start, kelvin, **arguments)


def test_unknown_names_and_ladders_that_do_not_fit(particle):
    model = make_model(2)
    with pytest.raises(UnknownNameError, match="neighbours"):
        run_canonical(particle, model, [0.5, 0.5], 300.0, n_sweeps=1, move="neighbour")
    with pytest.raises(UnknownNameError, match="replicas"):
        run_canonical(particle, model, [0.5, 0.5], 300.0, n_sweeps=1, engine="replica")
    with pytest.raises(KernelInputError, match="ladders"):
        run_canonical(
            particle,
            model,
            [[0.5, 0.5], [0.2, 0.8]],
            [300.0, 400.0],
            n_sweeps=1,
            tempering=True,
            ladders=[0, 0],
        )
    with pytest.raises(KernelInputError, match="model"):
        run_canonical(particle, make_model(1), [1.0], 300.0, n_sweeps=1)
    with pytest.raises(KernelInputError, match="chemical_potentials_ev"):
        run_grand_canonical(particle, model, [0.0, np.nan], 300.0, n_sweeps=1)
    with pytest.raises(KernelInputError, match="site_ev"):
        run_canonical(particle, make_model(2, 12), [0.5, 0.5], 300.0, n_sweeps=1)
    with pytest.raises(InputError, match="end_k"):
        anneal(particle, model, [0.5, 0.5], start_k=100.0, end_k=200.0)
