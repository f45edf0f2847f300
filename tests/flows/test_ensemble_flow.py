"""The BEEF-vdW ensemble, from real GPAW runs of a molecule small enough for a test."""

import numpy as np
import pytest

from pomdft.calculations.perform import perform
from pomdft.errors import CalculationError, InputError
from pomdft.flows.ensemble import EnsembleMaker, EnsemblePointMaker, choose_request
from pomdft.flows.study import plan_study, run_study
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.dband import DBand
from pomdft.schemas.level import Level
from pomdft.schemas.model import AtomicModel
from pomdft.schemas.study import Study
from pomdft.settings import load_settings
from pomdft.store.documents import list_documents, load_reference_affinities
from pomdft.store.results import ResultStore

LEVEL = Level(
    name="lcao-small",
    method="gpaw",
    relax=False,
    parameters={
        "mode": "lcao",
        "basis": "szp(dzp)",
        "xc": "PBE",
        "h": 0.25,
        "symmetry": "off",
        "occupations": {"name": "fermi-dirac", "width": 0.1},
        "convergence": {"density": 1e-4, "energy": 1e-4},
    },
)
CELL = ((6.0, 0.0, 0.0), (0.0, 6.0, 0.0), (0.0, 0.0, 8.0))
PARTS = {
    "cluster": (("Zn",), ((3.0, 3.0, 2.8),)),
    "ligand": (("H", "H"), ((3.0, 2.63, 5.0), (3.0, 3.37, 5.0))),
}
PARTS["complex"] = tuple(a + b for a, b in zip(PARTS["cluster"], PARTS["ligand"], strict=True))


def test_coefficients_are_those_of_the_functional_and_reproducible():
    first, second = ensemble_coefficients(50), ensemble_coefficients(50)
    assert first.shape == (50, 32)
    np.testing.assert_array_equal(first, second)
    # LDA and PBE correlation share one coefficient: what one gets the other loses.
    np.testing.assert_allclose(first[:, 30], -first[:, 31])


def make_affinity(store, energies, keys, level=LEVEL):
    return Affinity(
        key="a" * 24,
        model=AffinityModel(ligand="H2", metal="Zn", cluster="M1"),
        level=level,
        energy_ev=energies["complex"] - energies["ligand"] - energies["cluster"],
        interaction_energy_ev=0.0,
        reorganisation_ligand_ev=0.0,
        reorganisation_metal_ev=0.0,
        contacts=1,
        calculations=keys,
        relaxed=False,
    )


@pytest.mark.gpaw
def test_ensemble_of_a_molecule(tmp_path, monkeypatch):
    from gpaw import GPAW

    from pomdft.calculations.engines import make_atoms

    monkeypatch.setenv("POMDFT_STORE", str(tmp_path))
    store, settings = ResultStore(tmp_path), load_settings().model_copy(update={"cores": 1})
    keys, energies = {}, {}
    for role, (symbols, positions) in PARTS.items():
        model = AtomicModel(symbols=symbols, positions_angstrom=positions, cell_angstrom=CELL)
        request = CalculationInput.create("energy", model, LEVEL)
        result = perform(request, store, settings)
        keys[role], energies[role] = request.key, result.energy_ev
    affinity = make_affinity(store, energies, keys)
    store.save_affinity(affinity)
    updated = EnsembleMaker(store=str(tmp_path), cores=1).add_ensemble(affinity)

    assert updated.energy_ev == affinity.energy_ev
    assert store.affinities() == [updated]
    assert store.save_affinity(affinity) == updated
    members = updated.ensemble_ev
    assert members.shape == (2000,)
    assert updated.std_ev == pytest.approx(members.std(), abs=1e-4)
    assert abs(members.mean() - updated.energy_ev) < 0.1 * updated.std_ev + 1e-4
    assert 0.001 < updated.std_ev < 0.5
    bands = {band.ligand: band for band in list_documents(tmp_path, DBand)}
    # The 3d shell of zinc is full and deep.
    assert set(bands) == {None, "H2"}
    assert all(band.center_ev < -3 and band.filling > 0.95 for band in bands.values())

    # GPAW's own contributions, which it gives for a BEEF-vdW density only.
    parameters = {**LEVEL.parameters, "xc": "BEEF-vdW"}
    own = np.zeros(32)
    for role in PARTS:
        atoms = make_atoms(store.read_input(keys[role]))
        atoms.calc = GPAW(**parameters, txt=None)
        atoms.get_potential_energy()
        terms = np.array(atoms.calc.get_nonselfconsistent_energies("beefvdw"))
        own += affinity.balance[role] * terms
    assert updated.std_ev == pytest.approx((ensemble_coefficients() @ own).std(), rel=0.15)

    again = EnsembleMaker(store=str(tmp_path), cores=1).add_ensemble(affinity)
    assert again == updated
    wrong = store.read_result(keys["ligand"])
    store.save_result(
        store.read_input(keys["ligand"]),
        wrong.model_copy(update={"energy_ev": wrong.energy_ev - 1.0}),
    )
    with pytest.raises(CalculationError, match="another electronic state"):
        EnsembleMaker(store=str(tmp_path), cores=1).add_ensemble(affinity)


@pytest.mark.gpaw
def test_where_a_single_point_meets_another_state_the_way_down_is_gone_again(own_settings):
    symbols, positions = PARTS["ligand"]
    model = AtomicModel(symbols=symbols, positions_angstrom=positions, cell_angstrom=CELL)
    store, settings = ResultStore(own_settings), load_settings().model_copy(update={"cores": 1})
    relaxing = CalculationInput.create(
        "relaxation", model, LEVEL.model_copy(update={"relax": True})
    )
    minimum = perform(relaxing, store, settings)
    assert minimum.n_steps > 0
    points, wanted = EnsemblePointMaker(str(own_settings), cores=1), ("beef-ensemble",)
    key, point = points.compute(relaxing.key, "H2", wanted)
    assert store.read_input(key).task == "energy"
    assert point.positions_angstrom == minimum.positions_angstrom

    # As if it had met a state 0.1 eV above.
    higher = point.model_copy(update={"energy_ev": point.energy_ev + 0.1})
    store.save_result(store.read_input(key), higher)
    again, result = points.compute(relaxing.key, "H2", wanted)
    assert store.read_input(again).task == "relaxation"
    assert again not in (key, relaxing.key)
    assert result.energy_ev == pytest.approx(minimum.energy_ev, abs=1e-4)
    terms, expected = (r.extras["beef_contributions_ev"] for r in (result, point))
    assert terms == pytest.approx(expected, abs=2e-3)
    # And is found again, in the store and before a queue is asked.
    assert points.compute(relaxing.key, "H2", wanted) == (again, result)
    assert choose_request(store, relaxing.key, wanted).key == again
    lost = result.model_copy(update={"energy_ev": result.energy_ev + 0.1})
    store.save_result(store.read_input(again), lost)
    with pytest.raises(CalculationError, match="another electronic state"):
        points.compute(relaxing.key, "H2", wanted)


@pytest.mark.parametrize("level", ["lcao", "lcao-water"])
def test_d_bands_come_with_ensembles_but_not_in_a_continuum(own_settings, level):
    fields = {"name": "one", "ligands": "W5O18", "metals": "Au", "level": level, "ensemble": True}
    solvated = level == "lcao-water"
    study = Study.from_fields(fields | ({"charge_models": "solvated"} if solvated else {}))
    plan = plan_study(study, load_settings())
    (model, member) = plan.members[0]
    jobs = plan.maker.make_from_plan(member, model).jobs
    points = [job for job in jobs if "with_d_band" in job.function_kwargs]
    asked = {job.name.split()[0]: job.function_kwargs["with_d_band"] for job in points}
    with_metal = dict.fromkeys(("ensemble-complex", "ensemble-cluster"), not solvated)
    assert asked == {"ensemble-ligand": False} | with_metal


def test_levels_without_a_density_are_refused(tmp_path):
    level = Level(name="xtb", method="tblite", relax=False)
    roles = ("complex", "ligand", "cluster")
    affinity = make_affinity(None, dict.fromkeys(roles, 0.0), {"complex": "b" * 24}, level)
    with pytest.raises(InputError, match="is not of GPAW"):
        EnsembleMaker(store=str(tmp_path)).add_ensemble(affinity)


def test_single_points_begin_from_shipped_relaxations_in_an_empty_store(tmp_path):
    shipped = next(a for a in load_reference_affinities() if a.std_ev is not None)
    request = choose_request(
        ResultStore(tmp_path), shipped.calculations["ligand"], ("beef-ensemble",)
    )
    assert request.key == shipped.calculations["ensemble-ligand"]


@pytest.mark.gpaw
def test_a_study_asks_for_the_ensemble_of_its_affinities(own_settings):
    overrides = {
        "relax": False,
        "dispersion": None,
        "parameters": {"basis": "szp(dzp)", "h": 0.3, "convergence": {"density": 1e-3}},
    }
    fields = {
        "name": "small",
        "ligands": "thiolate",
        "metals": ["Au", "Ag"],
        "clusters": "M1",
        "counterpoise": False,
        "ensemble": True,
    }
    study = Study.from_fields(fields | {"level": {"preset": "lcao", "overrides": overrides}})
    settings = load_settings().model_copy(update={"store": own_settings, "cores": 1})
    plan = plan_study(study, settings)
    # Two metals share the ligand and its point: 1 ligand + 2 x (cluster, complex, two frozen
    # fragments), 1 point of the ligand + 2 x 2.
    planned = plan.list_calculations(settings)
    assert len(planned) == plan.count_calculations() == 14
    points = [p for p in planned if p.role.startswith("ensemble-")]
    assert sorted(p.role.removeprefix("ensemble-") for p in points) == [
        *("cluster", "cluster", "complex", "complex", "ligand")
    ]
    study = study.model_copy(update={"metals": ("Au",)})
    outcome = run_study(plan_study(study, settings))
    assert outcome.missing == ()
    (gold,) = outcome.affinities
    assert gold.std_ev == pytest.approx(gold.ensemble_ev.std(), abs=1e-6)
    assert 0.01 < gold.std_ev < 1.0
    assert f"+- {gold.std_ev:.2f} eV" in repr(gold)
    assert {role for role in gold.calculations if role.startswith("ensemble-")} == {
        *("ensemble-complex", "ensemble-ligand", "ensemble-cluster")
    }
    assert len(ResultStore(own_settings).calculation_keys()) == 8
    assert {b.ligand for b in list_documents(own_settings, DBand)} == {None, "thiolate"}
    # Once more it is all there, with the added command too.
    assert run_study(plan_study(study, settings)).affinities == outcome.affinities
    assert EnsembleMaker(store=str(own_settings), cores=1).add_ensemble(gold) == gold
    assert len(ResultStore(own_settings).calculation_keys()) == 8

    with pytest.raises(InputError, match="no functional whose error"):
        plan_study(Study.from_fields(fields | {"level": "xtb"}), settings)
