"""The engines against their NumPy twin, on every code path, and in whole numbers."""

import numpy as np
import pytest

from pomdft.kernels import compiled, reference_montecarlo
from pomdft.kernels.energy import total_energy
from pomdft.kernels.lattice import build_lattice
from pomdft.kernels.model import LatticeModel
from pomdft.kernels.montecarlo import anneal, run_canonical, run_grand_canonical
from pomdft.kernels.montecarlo_inputs import gather_replicas
from pomdft.kernels.montecarlo_run import prepare

MEANS = (
    "mean_energy_ev",
    "energy_error_ev",
    "heat_capacity_ev_per_k",
    "composition",
    "surface_composition",
    "shell_profile",
    "warren_cowley",
    "acceptance",
    "proposed",
    "final_species",
    "exchange_acceptance",
)
PATHS = [p for p, level in compiled.LEVELS.items() if level <= compiled.cpu_level()]
needs_compiled = pytest.mark.skipif(
    not compiled.is_compiled("montecarlo"), reason="compiled kernels are absent"
)


def random_model(n_species, n_sites, seed):
    """Any table will do: neither symmetric nor smooth in the coordination number."""
    rng = np.random.default_rng(seed)
    half = rng.normal(-0.3, 0.03, (n_species, n_species, 13))
    return LatticeModel(half, rng.normal(0.0, 0.1, (n_sites, n_species)))


CASES = [
    {"move": "any"},
    {"move": "neighbours"},
    {"tempering": True, "exchange_every": 2},
    {"chemical_potentials_ev": np.array([0.0, 0.1, 0.2, -0.1])},
    {"anneal": True},
]


def run_case(case, lattice, n_species, engine, **more):
    model = random_model(n_species, len(lattice), 2)
    n_replicas = 3 if engine == "chain" else 35
    kelvin = np.geomspace(200.0, 2500.0, n_replicas)
    fractions = np.array([0.1, 0.2, 0.3, 0.4])[:n_species]
    fractions /= fractions.sum()
    shared = {"seed": 2**63 + 12345, "engine": engine, **more}
    if "anneal" in case:
        found = anneal(
            lattice, model, fractions, n_steps=4, n_sweeps=2, replicas=n_replicas, **shared
        )
        return {"energies_ev": found.energies_ev, "species": found.species}
    shared |= {"n_sweeps": 9, "n_equilibration": 3}
    if "move" in case or "tempering" in case:
        result = run_canonical(lattice, model, fractions, kelvin, count_every=2, **case, **shared)
    else:
        mu = case["chemical_potentials_ev"][:n_species]
        result = run_grand_canonical(lattice, model, mu, kelvin, **shared)
    return {name: getattr(result, name) for name in MEANS}


@needs_compiled
@pytest.mark.parametrize("engine", ["chain", "replicas"])
@pytest.mark.parametrize("n_species", [2, 3, 4])
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_code_path_and_thread_count_gives_the_twin_s_trajectory(
    case, n_species, engine, monkeypatch
):
    lattice = build_lattice("cuboctahedron", n_atoms=55)
    monkeypatch.setenv(compiled.VARIABLE, "reference")
    wanted = run_case(case, lattice, n_species, engine)
    for path in PATHS:
        monkeypatch.setenv(compiled.VARIABLE, path)
        for threads in (1, 2):
            found = run_case(case, lattice, n_species, engine, n_threads=threads)
            for name, value in wanted.items():
                np.testing.assert_array_equal(found[name], value, f"{name} on {path}")


@needs_compiled
@pytest.mark.parametrize("path", PATHS)
def test_a_chain_is_the_same_however_much_it_accepts(path, monkeypatch):
    """Fields are kept where little is accepted; where much is, a path may sum bonds instead."""
    lattice = build_lattice("truncated-octahedron", n_atoms=201)
    model = random_model(2, 201, 6)
    start = np.arange(201) % 2
    shared = {"n_sweeps": 40, "seed": 8, "engine": "chain", "record_every": 1}

    def run(kelvin):
        return run_canonical(lattice, model, start, kelvin, **shared)

    def cool():
        return anneal(
            lattice, model, start, start_k=1e5, end_k=20.0, n_steps=12, replicas=2, engine="chain"
        )

    monkeypatch.setenv(compiled.VARIABLE, path)
    hot, cold, cooled = run(1e5), run(50.0), cool()
    assert hot.acceptance[0] > 0.8
    assert cold.acceptance[0] < 0.2
    monkeypatch.setenv(compiled.VARIABLE, "plain")
    for mine, plain in ((hot, run(1e5)), (cold, run(50.0))):
        for name in MEANS:
            np.testing.assert_array_equal(getattr(mine, name), getattr(plain, name), name)
        np.testing.assert_array_equal(mine.trajectory.species, plain.trajectory.species)
        for species, energy in zip(
            mine.trajectory.species, mine.trajectory.energies_ev, strict=True
        ):
            assert energy[0] == pytest.approx(total_energy(lattice, model, species[0]), abs=1e-8)
        assert mine.energy_drift_ev < 201 * mine.move_error_ev
    np.testing.assert_array_equal(cooled.species, cool().species)


@pytest.mark.parametrize("engine", ["chain", "replicas"])
@pytest.mark.parametrize("n_species", [2, 3, 4])
@pytest.mark.parametrize("move", ["any", "neighbours", "flip"])
def test_fields_and_energies_never_drift(engine, n_species, move):
    lattice = build_lattice("truncated-octahedron", n_atoms=201)
    model = random_model(n_species, 201, 5)
    gathered, stream = gather_replicas(
        lattice,
        model,
        np.full(n_species, 1.0 / n_species),
        np.linspace(300.0, 3000.0, 33),
        site_ev=None,
        half_bond_ev=None,
        seed=1,
        streams=None,
        replicas=None,
    )
    simulation = prepare(lattice, gathered, stream, move=move, engine=engine, seed=1, n_threads=1)
    before = simulation.state.occupations()
    simulation.advance(200 if compiled.is_compiled("montecarlo") else 3)
    state, quantised = simulation.state, simulation.quantised
    after = state.occupations()
    assert (after != before).any(axis=1).all()
    fields = quantised.fields(state.tables, after)
    np.testing.assert_array_equal(state.energy, quantised.energies(fields, after))
    for r in range(33):
        if engine == "chain":
            kept = state.field[r, :201, : n_species if n_species > 2 else 1]
            kept = kept[:, 1:] if n_species > 2 else kept
        else:
            kept = state.field[r // 32, :, :, r % 32]
        np.testing.assert_array_equal(kept, fields[r, :, 1:])
        full = total_energy(lattice, model, after[r])
        assert simulation.model.energies(after[r : r + 1])[0] == pytest.approx(full, abs=1e-9)
    np.testing.assert_allclose(
        simulation.simulated_energies(),
        [total_energy(lattice, model, s) for s in after],
        atol=201 * quantised.error_ev,
    )
    if move != "flip":
        for s in range(n_species):
            np.testing.assert_array_equal((after == s).sum(axis=1), (before == s).sum(axis=1))


class _Recorder(reference_montecarlo._Chain):
    """A chain that swaps what it is told to and says what it took the change to be."""

    def change(self, i, j):
        before = int(self.state.energy[0])
        assert self.swap(i, j, 2**40)
        return int(self.state.energy[0]) - before


@pytest.mark.parametrize("n_species", [2, 3, 4])
def test_every_swap_s_change_is_the_full_recomputation_and_its_reverse_the_negative(n_species):
    lattice = build_lattice("truncated-octahedron", n_atoms=38)
    model = random_model(n_species, 38, 3)
    gathered, stream = gather_replicas(
        lattice,
        model,
        np.full(n_species, 1.0 / n_species),
        np.array([300.0]),
        site_ev=None,
        half_bond_ev=None,
        seed=1,
        streams=None,
        replicas=None,
    )
    simulation = prepare(lattice, gathered, stream, move="any", engine="chain", seed=1, n_threads=1)
    chain = _Recorder(simulation.state, 0)
    q = simulation.quantised.resolution_ev
    start = total_energy(lattice, model, chain.species)
    pairs = 0
    for i in range(38):
        for j in range(i):
            if chain.species[i] == chain.species[j]:
                continue
            change = chain.change(i, j)
            full = total_energy(lattice, model, chain.species) - start
            assert q * change == pytest.approx(full, abs=simulation.quantised.error_ev + 1e-9)
            assert chain.change(i, j) == -change
            pairs += 1
    assert pairs > 300


@pytest.mark.parametrize("n_species", [2, 3, 4])
def test_every_flip_s_change_is_the_full_recomputation_and_its_reverse_the_negative(n_species):
    lattice = build_lattice("decahedron", n_atoms=75)
    model = random_model(n_species, 75, 3)
    simulation = prepare_replicas(lattice, model, [300.0], "flip", "chain")
    chain = reference_montecarlo._Chain(simulation.state, 0)
    quantised, state = simulation.quantised, simulation.state
    start = total_energy(lattice, model, chain.species)
    for i in range(75):
        for turn in range(n_species - 1):
            a, before = int(chain.species[i]), int(state.energy[0])
            chain.flip(i, turn, 2**40)
            b, change = int(chain.species[i]), int(state.energy[0]) - before
            assert b != a
            whole = quantised.resolution_ev * change + quantised.offset_ev[b]
            full = total_energy(lattice, model, chain.species) - start
            error = quantised.error_ev + 1e-9
            assert whole - quantised.offset_ev[a] == pytest.approx(full, abs=error)
            chain.flip(i, (a - b - 1) % n_species, 2**40)
            assert int(chain.species[i]) == a
            assert int(state.energy[0]) == before
    assert chain.accepted == 150 * (n_species - 1)


@pytest.mark.parametrize("n_species", [2, 3, 4])
@pytest.mark.parametrize("move", ["any", "neighbours", "flip"])
def test_every_change_of_32_replicas_is_the_full_recomputation(n_species, move):
    """All is accepted at a billion kelvin; the same offer once more leads back."""
    lattice = build_lattice("truncated-octahedron", n_atoms=38)
    model = random_model(n_species, 38, 7)
    simulation = prepare_replicas(lattice, model, np.full(32, 1e9), move, "replicas")
    block = reference_montecarlo._Block(simulation.state, 0)
    bits = np.zeros(32, np.int64)
    start, energies = block.species.copy(), block.energies()
    full = simulation.model.energies(np.ascontiguousarray(start.T))
    offset = simulation.quantised.offset_ev
    moved = 0
    for i in range(38):
        for word in np.arange(1, 2**32, 2**28, dtype=np.uint64).astype(np.uint32):
            block.step(i, word, bits, 0)
            moved += int((block.species != start).any(axis=0).sum())
            change = simulation.quantised.resolution_ev * (block.energies() - energies)
            change += (offset[block.species] - offset[start]).sum(axis=0)
            after = simulation.model.energies(np.ascontiguousarray(block.species.T))
            np.testing.assert_allclose(
                change, after - full, rtol=0, atol=simulation.quantised.error_ev + 1e-9
            )
            block.step(i, word, bits, 0)
            np.testing.assert_array_equal(block.species, start)
            np.testing.assert_array_equal(block.energies(), energies)
    assert moved > 3000


def prepare_replicas(lattice, model, kelvin, move, engine):
    """A simulation at equal fractions that has not moved yet."""
    gathered, stream = gather_replicas(
        lattice,
        model,
        np.full(model.n_species, 1.0 / model.n_species),
        np.asarray(kelvin, dtype=float),
        site_ev=None,
        half_bond_ev=None,
        seed=1,
        streams=None,
        replicas=None,
    )
    return prepare(lattice, gathered, stream, move=move, engine=engine, seed=1, n_threads=1)


def test_sixteen_bits_keep_what_they_state():
    lattice = build_lattice("cuboctahedron", n_atoms=147)
    for n_species in (2, 3, 4):
        model = random_model(n_species, 147, n_species)
        gathered, stream = gather_replicas(
            lattice,
            model,
            np.full(n_species, 1.0 / n_species),
            np.full(8, 500.0),
            site_ev=None,
            half_bond_ev=None,
            seed=4,
            streams=None,
            replicas=None,
        )
        simulation = prepare(
            lattice, gathered, stream, move="any", engine="replicas", seed=4, n_threads=1
        )
        quantised, state = simulation.quantised, simulation.state
        assert 1e-6 < quantised.error_ev < 0.02
        assert np.abs(quantised.site).max() < 2**15
        rng = np.random.default_rng(0)
        for occupation in state.occupations():
            i, j = rng.choice(147, 2, replace=False)
            swapped = occupation.copy()
            swapped[[i, j]] = occupation[[j, i]]
            both = np.stack([occupation, swapped])
            whole = quantised.energies(quantised.fields(state.tables, both), both)
            change = quantised.resolution_ev * float(whole[1] - whole[0])
            full = np.diff(simulation.model.energies(both))[0]
            assert change == pytest.approx(full, abs=quantised.error_ev)
