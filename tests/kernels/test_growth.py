import numpy as np
import pytest

from pomdft.errors import KernelInputError, UnknownNameError
from pomdft.kernels import compiled
from pomdft.kernels.energy import total_energy
from pomdft.kernels.growth import grow, occupied_lattice
from pomdft.kernels.lattice import build_lattice
from pomdft.kernels.model import LatticeModel

PATHS = [p for p, level in compiled.LEVELS.items() if level <= compiled.cpu_level()]


def make_model(n_species=2):
    cohesive = -np.array([3.81, 2.95, 3.5])[:n_species]
    z = np.arange(13.0)
    half = np.zeros((n_species, n_species, 13))
    half[:, :, 1:] = cohesive[:, None, None] * np.sqrt(12 / z[1:]) / 12
    return LatticeModel(half)


@pytest.fixture(scope="module")
def template():
    return build_lattice("sphere", n_atoms=600)


def test_without_moves_the_order_of_arrival_is_the_order_from_the_middle(template):
    sequence = np.repeat([0, 1], 100)
    grown = grow(template, make_model(), sequence, moves_per_atom=0, replicas=3)
    radius = np.linalg.norm(template.positions - template.positions.mean(axis=0), axis=1)
    for r in range(3):
        occupied = grown.species[r] >= 0
        assert occupied.sum() == 200
        assert (grown.species[r] == 1).sum() == 100
        assert sorted(grown.arrival[r][occupied].tolist()) == list(range(200))
        assert (grown.arrival[r][~occupied] == -1).all()
        # Each atom still has the species that its place in the sequence had.
        np.testing.assert_array_equal(
            sequence[grown.arrival[r][occupied]], grown.species[r][occupied]
        )
        inner = radius[grown.species[r] == 0].mean()
        assert inner < radius[grown.species[r] == 1].mean() - 0.3
        surface, shells, _ = grown.ordering(r)
        assert surface[1] > shells[-1][1]
    assert (grown.species[0] != grown.species[1]).any()
    assert list(grown.to_dataframe()["n_atoms"]) == [200, 200, 200]


def test_energy_is_that_of_the_particle_alone(template):
    rng = np.random.default_rng(1)
    model = make_model(3)
    atom_ev = np.zeros((3, 13))
    atom_ev[1, :10] = -0.2
    grown = grow(
        template,
        model,
        rng.integers(0, 3, 150),
        temperature_k=800.0,
        moves_per_atom=50,
        atom_ev=atom_ev,
        swap="any",
        replicas=2,
    )
    assert (grown.hops > 50).all()
    assert (grown.swaps > 50).all()
    for r in range(2):
        lattice, species = grown.particle(r)
        assert len(lattice) == 150
        full = total_energy(lattice, model, species)
        full += atom_ev[species, lattice.coordination].sum()
        assert grown.energies_ev[r] == pytest.approx(full, abs=1e-8)


@pytest.mark.skipif(not compiled.is_compiled("growth"), reason="too long for the twin")
def test_moves_bring_the_weakly_bound_metal_out_and_make_the_particle_compact(template):
    sequence = np.tile([0, 1], 100)
    still = grow(template, make_model(), sequence, moves_per_atom=0, replicas=4)
    moved = grow(
        template, make_model(), sequence, moves_per_atom=2000, temperature_k=600.0, replicas=4
    )
    assert moved.energies_ev.max() < still.energies_ev.min() - 10.0
    fraction = "surface_fraction_1"
    assert moved.to_dataframe()[fraction].mean() > still.to_dataframe()[fraction].mean() + 0.1


@pytest.mark.skipif(not compiled.is_compiled("growth"), reason="compiled kernels are absent")
@pytest.mark.parametrize("swap", ["none", "surface", "any"])
def test_every_path_and_thread_count_gives_the_twin_s_particle(template, swap, monkeypatch):
    def run(path, threads):
        monkeypatch.setenv(compiled.VARIABLE, path)
        return grow(
            template,
            make_model(3),
            np.arange(60) % 3,
            temperature_k=700.0,
            moves_per_atom=20,
            swap=swap,
            galvanic=[[0, 0.5, 0], [0, 0, 0.3], [0, 0, 0]],
            atom_ev=np.linspace(-0.3, 0.0, 39).reshape(3, 13),
            replicas=2,
            seed=2**40 + 1,
            n_threads=threads,
        )

    wanted = run("reference", 1)
    assert wanted.hops.min() > 0
    assert (wanted.swaps.min() > 0) == (swap != "none")
    for path in PATHS:
        for threads in (1, 2):
            found = run(path, threads)
            for name in ("species", "arrival", "energies_ev", "hops_tried", "hops", "swaps"):
                np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)


def test_galvanic_exchange_dissolves_and_deposits_again(template):
    # A core of the less noble species 0 is there before species 1 arrives.
    core = np.full(len(template), -1)
    middle = np.linalg.norm(template.positions - template.positions.mean(axis=0), axis=1)
    core[np.argsort(middle, kind="stable")[:100]] = 0
    options = {"initial": core, "moves_per_atom": 0, "replicas": 3, "seed": 1}
    plain = grow(template, make_model(), np.ones(60, int), **options)
    galvanic = np.array([[0.0, 0.0], [1.0, 0.0]])
    exchanged = grow(template, make_model(), np.ones(60, int), galvanic=galvanic, **options)
    assert (plain.galvanic_exchanges == 0).all()
    assert (exchanged.galvanic_exchanges > 20).all()
    for grown in (plain, exchanged):
        assert ((grown.species == 0).sum(axis=1) == 100).all()
        assert ((grown.species == 1).sum(axis=1) == 60).all()
    # The displaced atoms are back, and later than all that was given.
    late = exchanged.arrival >= 60
    assert (exchanged.species[late] == 0).all()
    surface = "surface_fraction_0"
    assert exchanged.to_dataframe()[surface].mean() != plain.to_dataframe()[surface].mean()


def test_streams_and_replicas(template):
    sequence = np.tile([0, 1], 30)
    both = grow(template, make_model(), np.stack([sequence, sequence[::-1]]), moves_per_atom=10)
    alone = grow(template, make_model(), sequence[::-1], moves_per_atom=10, streams=[1])
    np.testing.assert_array_equal(both.species[1], alone.species[0])
    assert "2 particles of 60" in repr(both)


def test_occupied_lattice_keeps_coordination(template):
    species = np.where(np.arange(len(template)) % 3 == 0, 1, -1)
    lattice, kept = occupied_lattice(template, species)
    assert (kept == 1).all()
    sites = np.flatnonzero(species >= 0)
    wanted = [(species[row[row >= 0]] >= 0).sum() for row in template.neighbours[sites]]
    np.testing.assert_array_equal(lattice.coordination, wanted)
    with pytest.raises(KernelInputError, match="species"):
        occupied_lattice(template, np.full(len(template), -1))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"sequence": []}, "sequence"),
        ({"sequence": [0, 2]}, "sequence"),
        ({"sequence": [0, -1]}, "sequence"),
        ({"sequence": [0.5]}, "sequence"),
        ({"sequence": np.zeros(700, int)}, "lattice"),
        ({"temperature_k": -1.0}, "temperature_k"),
        ({"temperature_k": np.nan}, "temperature_k"),
        ({"moves_per_atom": -1}, "moves_per_atom"),
        ({"least_contacts": 0}, "least_contacts"),
        ({"least_contacts": 12}, "least_contacts"),
        ({"initial": np.full(586, -1)}, "initial"),
        ({"initial": np.zeros(5, int)}, "initial"),
        ({"atom_ev": np.zeros((2, 12))}, "atom_ev"),
        ({"atom_ev": np.full((2, 13), np.inf)}, "atom_ev"),
        ({"galvanic": np.ones((2, 2))}, "galvanic"),
        ({"galvanic": [[0, 1.5], [0, 0]]}, "galvanic"),
        ({"streams": [1, 2, 3], "replicas": 2}, "replicas"),
        ({"streams": [-1]}, "streams"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_input_names_the_argument(template, change, name):
    arguments = {"sequence": [0, 1], **change}
    with pytest.raises(KernelInputError, match=name):
        grow(template, make_model(), arguments.pop("sequence"), **arguments)


def test_model_with_site_terms_and_unknown_swap(template):
    model = LatticeModel(make_model().half_bond_ev, np.zeros((len(template), 2)))
    with pytest.raises(KernelInputError, match="atom_ev"):
        grow(template, model, [0, 1])
    with pytest.raises(UnknownNameError, match="surface"):
        grow(template, make_model(), [0, 1], swap="surfaces")
