from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jobflow import JobStore, run_locally
from maggma.stores import MemoryStore
from monty.json import MontyDecoder, MontyEncoder
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import make_model
from pomdft.errors import InputError, UnknownNameError
from pomdft.flows.affinity import AffinityMaker, bind, count_contacts_of
from pomdft.flows.documents import as_ase_result, final_molecule, make_document
from pomdft.flows.jobs import GpawRelaxMaker, GpawStaticMaker, take_fragment
from pomdft.flows.preparation import AffinityPlan, find_prepared, plan_affinity, prepare
from pomdft.schemas.affinity import Affinity, AffinityModel
from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.schemas.level import Level
from pomdft.settings import Settings, load_settings
from pomdft.store.results import ResultStore

MODEL = AffinityModel(ligand="W5O18", metal="Au")
LEVEL = Level(name="emt", method="emt")
ENERGIES = {
    "complex": -110.0,
    "ligand": -70.5,
    "cluster": -38.2,
    "frozen-ligand": -70.1,
    "frozen-cluster": -38.0,
}


def result(energy: float, dispersion: float | None = None) -> CalculationResult:
    return CalculationResult(
        key="0" * 24,
        task="relaxation",
        energy_ev=energy,
        dispersion_energy_ev=dispersion,
        forces_ev_per_angstrom=(),
        max_force_ev_per_angstrom=0.0,
        positions_angstrom=(),
        wall_time_s=0.0,
        codes={},
    )


def bound(
    extra: dict[str, float] | None = None, contacts: int = 4, **dispersion: float | None
) -> Affinity:
    energies = ENERGIES | (extra or {})
    results = {
        role: result(energy, dispersion.get(role.replace("-", "_")))
        for role, energy in energies.items()
    }
    return bind(MODEL, LEVEL, {role: f"key-{role}" for role in energies}, results, contacts)


def test_signs() -> None:
    affinity = bound()
    assert affinity.energy_ev == pytest.approx(-110.0 + 70.5 + 38.2)
    assert affinity.energy_ev < 0
    assert affinity.interaction_energy_ev == pytest.approx(-1.9)
    # A fragment frozen in the complex is never below its minimum: both cost energy.
    assert affinity.reorganisation_ligand_ev == pytest.approx(0.4)
    assert affinity.reorganisation_metal_ev == pytest.approx(0.2)
    assert affinity.per_contact_ev == pytest.approx(affinity.energy_ev / 4)


def test_parts_add_up() -> None:
    affinity = bound()
    total = (
        affinity.interaction_energy_ev
        + affinity.reorganisation_ligand_ev
        + affinity.reorganisation_metal_ev
    )
    assert total == pytest.approx(affinity.energy_ev)


def test_counterpoise_weakens_the_binding() -> None:
    affinity = bound({"ghost-ligand": -70.25, "ghost-cluster": -38.1})
    assert affinity.counterpoise_correction_ev == pytest.approx(0.15 + 0.10)
    assert affinity.counterpoise_energy_ev == pytest.approx(affinity.energy_ev + 0.25)
    assert bound().counterpoise_correction_ev is None


def test_dispersion_share() -> None:
    affinity = bound(complex=-3.0, ligand=-2.0, cluster=-0.6)
    assert affinity.dispersion_ev == pytest.approx(-0.4)
    assert bound(complex=-3.0, ligand=-2.0).dispersion_ev is None


def test_no_contacts_no_share() -> None:
    assert bound(contacts=0).per_contact_ev is None


def test_key_is_that_of_the_calculations() -> None:
    assert bound().key == bound().key
    assert bound({"ghost-ligand": -1.0, "ghost-cluster": -1.0}).key != bound().key


def test_frozen_parts_follow_the_level() -> None:
    roles = [role for role, _, _ in AffinityMaker(level=load_level("lcao")).frozen_parts()]
    assert roles == ["frozen-ligand", "frozen-cluster", "ghost-ligand", "ghost-cluster"]
    plane_waves = AffinityMaker(level=load_level("pw"))
    assert len(plane_waves.frozen_parts()) == 2
    assert len(AffinityMaker(level=load_level("lcao"), counterpoise=False).frozen_parts()) == 2
    # A continuum has no place for ghosts.
    assert len(AffinityMaker(level=load_level("lcao-water")).frozen_parts()) == 2


def test_makers_follow_whether_the_level_relaxes() -> None:
    plan = plan_affinity(
        "thiolate", "Au", "M1", "vacancy", "protonated", level=load_level("lcao-static")
    )
    assert isinstance(
        AffinityMaker(level=load_level("lcao-static")).relax_maker(plan), GpawStaticMaker
    )
    assert isinstance(AffinityMaker(level=load_level("lcao")).relax_maker(plan), GpawRelaxMaker)


def test_fragments_of_a_complex() -> None:
    plan = plan_affinity("thiolate", "Au", "M1", "vacancy", "protonated", level=load_level("xtb"))
    whole = plan.complexes[0]
    ligand, no_ghosts = take_fragment(whole, "ligand", keep_ghosts=False)
    metal, ghosts = take_fragment(whole, "metal", keep_ghosts=True)
    assert no_ghosts == ()
    assert len(metal) == len(whole)
    assert {metal[i].specie.symbol for i in range(len(metal)) if i not in ghosts} == {"Au"}
    assert "Au" not in {site.specie.symbol for site in ligand}
    assert (ligand.charge, metal.charge, metal.spin_multiplicity) == (0, 0, 2)
    assert np.allclose(ligand.cart_coords, plan.ligand.cart_coords)
    assert take_fragment(whole, None, keep_ghosts=False) == (whole, ())
    assert count_contacts_of(whole) >= 1
    with pytest.raises(InputError, match="no fragment 'support'"):
        take_fragment(whole, "support", keep_ghosts=False)


def test_whole_flow_with_xtb(own_settings: Path) -> None:
    flow = AffinityMaker(level=load_level("xtb"), store=str(own_settings)).make(
        "thiolate", "Au", cluster="M1"
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "cd is deprecated", FutureWarning)
        responses = run_locally(flow, log=False, store=JobStore(MemoryStore()))
    affinity = responses[flow.jobs[-1].uuid][1].output
    assert isinstance(affinity, Affinity)
    store = ResultStore(own_settings)
    assert store.read_affinity(affinity.key) == affinity
    energy = {role: store.read_result(k).energy_ev for role, k in affinity.calculations.items()}
    assert affinity.energy_ev == pytest.approx(
        energy["complex"] - energy["ligand"] - energy["cluster"]
    )
    assert -3 < affinity.energy_ev < 0
    assert affinity.reorganisation_ligand_ev >= -0.01
    assert affinity.counterpoise_correction_ev is None
    assert affinity.relaxed
    # What the ecosystem reads: atomate2's document of the complex.
    chosen = next(job for job in flow.jobs if job.name.startswith("choose orientation"))
    document = responses[chosen.uuid][1].output
    assert document.energy_ev == pytest.approx(energy["complex"])
    assert document.task_document.output.energy == pytest.approx(energy["complex"])


def test_poses_that_came_out_higher_are_named(own_settings: Path) -> None:
    def run(orientations: int) -> Affinity:
        maker = AffinityMaker(
            level=load_level("xtb"), store=str(own_settings), orientations=orientations
        )
        flow = maker.make("W5O18", "Au", cluster="M1")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "cd is deprecated", FutureWarning)
            responses = run_locally(flow, log=False, store=JobStore(MemoryStore()))
        found = responses[flow.jobs[-1].uuid][1].output
        assert isinstance(found, Affinity)
        return found

    three, store = run(3), ResultStore(own_settings)
    assert three.poses == 3
    assert "the lowest of 3 poses" in repr(three)
    energy = {role: store.read_result(key).energy_ev for role, key in three.calculations.items()}
    for number in (1, 2):
        assert energy[f"other-pose-{number}"] > energy["complex"] - 0.01
    # The key says what the energy is made of, not what else was tried.
    one = run(1)
    assert one.poses == (3 if one.key == three.key else 1)
    assert run(3) == three


def test_run_ase_outside_a_job(own_settings: Path) -> None:
    plan = plan_affinity("thiolate", "Au", "M1", "vacancy", "protonated", level=load_level("xtb"))
    maker = GpawStaticMaker(level=load_level("xtb"), store=str(own_settings))
    found = maker.run_ase(plan.ligand)
    assert found.final_energy < 0
    with pytest.raises(InputError, match="Molecule is needed"):
        maker.run_ase("thiolate")


@pytest.mark.parametrize(
    ("names", "near"),
    [
        (("W5O19", "Au", "M4", "vacancy", "protonated"), "W5O18"),
        (("W5O18", "AU", "M4", "vacancy", "protonated"), "Au"),
        (("W5O18", "Xx", "M4", "vacancy", "protonated"), "metal"),
        (("W5O18", "Au", "M5", "vacancy", "protonated"), "cluster"),
        (("W5O18", "Au", "M4", "vacany", "protonated"), "vacancy"),
        (("W5O18", "Au", "M4", "vacancy", "protonate"), "protonated"),
    ],
)
def test_unknown_names(names: tuple[str, ...], near: str) -> None:
    with pytest.raises(UnknownNameError, match=near):
        plan_affinity(*names, level=load_level("xtb"))


def test_settings_of_a_maker_win() -> None:
    maker: Any = GpawRelaxMaker(store="/elsewhere", cores=3)
    settings: Settings = maker._settings()
    assert (settings.store, settings.ranks) == (Path("/elsewhere"), 3)
    assert load_settings().store != settings.store


@pytest.mark.parametrize(
    ("charge_model", "charge", "name"), [("protonated", 0, "lcao"), ("solvated", -6, "lcao-water")]
)
def test_charge_and_spin_reach_the_calculation(charge_model: str, charge: int, name: str) -> None:
    """pymatgen's own copy of a molecule loses both."""
    level = load_level(name)
    plan = plan_affinity("W5O18", "Pd", "M4", "vacancy", charge_model, level=level)
    assert plan.cluster.spin_multiplicity == 3
    (complex_,) = plan.complexes
    assert (complex_.charge, complex_.spin_multiplicity) == (charge, 3)
    model = make_model(complex_, level, plan.box, label="complex")
    assert model.charge == charge
    assert sum(model.magnetic_moments_bohr_magneton or ()) == pytest.approx(2.0)
    request = CalculationInput.create("energy", model, level)
    moved = result(-1.0).model_copy(update={"positions_angstrom": model.positions_angstrom})
    final = final_molecule(complex_, request, moved)
    assert (final.charge, final.spin_multiplicity) == (charge, 3)


@pytest.mark.parametrize(
    ("ligand", "metal", "planar"),
    [
        ("W5O18", "Ag", False),
        ("thiolate", "Ag", True),
        ("PVP", "Au", True),
        ("thiolate", "Pd", False),
    ],
)
def test_cluster_under_one_group_starts_as_it_is_when_free(
    ligand: str, metal: str, planar: bool
) -> None:
    plan = plan_affinity(ligand, metal, "M4", "vacancy", "protonated", level=load_level("lcao"))
    (whole,) = plan.complexes
    cluster = whole.cart_coords[[f == "metal" for f in whole.site_properties["fragment"]]]
    spread = np.linalg.svd(cluster - cluster.mean(axis=0), compute_uv=False)
    assert bool(spread[2] < 1e-6) is planar


def test_counter_cations_leave_the_vacancy_to_the_metal(own_settings: Path) -> None:
    """Free to move, xTB would let a sodium slip into it, and no metal could be put there.

    They settle on the rest of the anion, once: in the complex they stay where they are.
    """
    level = load_level("lcao")
    plan = plan_affinity("W5O18", "Au", "M4", "vacancy", "alkali", level=level)
    store = ResultStore(own_settings)
    ligand = prepare(plan.ligand, store)
    cations = [i for i, role in enumerate(ligand.site_properties["role"]) if role == "cation"]
    assert len(cations) == 6
    oxygens = [i for i, atom in enumerate(ligand) if atom.specie.symbol == "O"]
    bonds = ligand.distance_matrix[np.ix_(cations, oxygens)]
    off_limits = [oxygens.index(i) for i in ligand.properties["site"]["oxygen_indices"]]
    assert bonds[:, off_limits].min() > 3.3
    assert bonds.min() > 2.15
    assert ((bonds < 2.6).sum(axis=1) >= 2).all()
    moved = np.linalg.norm(ligand.cart_coords - plan.ligand.cart_coords, axis=1)
    assert moved[cations].min() > 0.1
    maker = AffinityMaker(level=level)
    held = maker.held_in_start(plan)
    complex_ = prepare(plan.complexes[0], store, ligand, held)
    assert complex_.composition.reduced_formula == plan.complexes[0].composition.reduced_formula
    assert find_prepared(plan.complexes[0], store, ligand, held) == complex_
    np.testing.assert_allclose(
        complex_.cart_coords[cations], ligand.cart_coords[cations], atol=1e-5
    )


@pytest.mark.parametrize("fragment", ["ligand", "metal"])
def test_a_document_leaves_ghosts_out_and_can_be_stored(fragment: str) -> None:
    """With the electrons of its ghost the ligand of one gold atom would be a radical."""
    level = load_level("lcao")
    plan = plan_affinity("W5O18", "Au", "M1", "vacancy", "protonated", level=level)
    part, ghosts = take_fragment(plan.complexes[0], fragment, keep_ghosts=True)
    model = make_model(part, level, plan.box, label=fragment, ghosts=ghosts)
    request = CalculationInput.create("energy", model, level)
    forces = tuple((float(i), 0.0, 0.0) for i in range(len(part)))
    computed = result(-1.0).model_copy(
        update={
            "positions_angstrom": model.positions_angstrom,
            "forces_ev_per_angstrom": forces,
            "step_energies_ev": (-1.0,),
        }
    )
    final = final_molecule(part, request, computed)
    document = make_document(request, computed, final, as_ase_result(final, request, computed))
    back = MontyDecoder().process_decoded(json.loads(json.dumps(document, cls=MontyEncoder)))
    assert back.molecule == plan_fragment(plan, fragment)
    step = back.task_document.output.ionic_steps[0]
    assert [force[0] for force in step.forces] == [i for i in range(len(part)) if i not in ghosts]


def plan_fragment(plan: AffinityPlan, fragment: str) -> Molecule:
    alone, ghosts = take_fragment(plan.complexes[0], fragment, keep_ghosts=False)
    assert not ghosts
    return alone
