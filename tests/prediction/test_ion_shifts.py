"""Which ion affinities the co-reduction route uses, and what it says of them."""

from datetime import UTC, datetime

import numpy as np
import pytest
from typer.testing import CliRunner

import pomdft
from pomdft.calculations.levels import load_level
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction.ion_shifts import with_known_ions
from pomdft.prediction.reduction import CoReduction, find_potential
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.settings import load_settings
from pomdft.store.documents import keep_document, save_document
from pomdft.store.solution import load_ion_affinities

FAST = {"n_members": 12, "route": "co-reduction"}
WATER = load_level("lcao-water")


def document(metal, salt, state, energy, **changes):
    fields = {
        "key": f"{metal}{energy}",
        "ligand": "W5O18",
        "metal": metal,
        "oxidation_state": state,
        "salt": salt,
        "reference_complex": f"[{metal}]",
        "released": "H2O",
        "released_count": 2,
        "level": WATER,
        "energy_ev": energy,
        "potential_shift_v": energy / state,
        "contacts": 4,
        "relaxed": True,
        "calculations": {"complex": "x"},
    }
    return IonAffinity(**{**fields, **changes})


GOLD = document("Au", "[AuCl4]-", 3, -0.6)
SILVER = document("Ag", "Ag+", 1, -0.9)
PAIR = ("Au", "Ag")


def test_known_values_are_used_and_said():
    plan = with_known_ions(None, "W5O18", PAIR, [GOLD, SILVER])
    assert plan.ion_affinity_ev == {"Au": -0.6, "Ag": -0.9}
    # Bound ions are harder to reduce; the shift is the energy over the electrons.
    assert find_potential("Au", plan).shift_v == pytest.approx(-0.2)
    assert find_potential("Ag", plan).shift_v == pytest.approx(SILVER.potential_shift_v)
    assert "Ag+ -0.90 eV" in plan.ion_note
    assert WATER.title in plan.ion_note
    assert "without entropy" in plan.ion_note


def test_uncertainty_of_known_values_goes_into_the_potential():
    terms = {"std_ev": 0.3, "beef_terms_ev": (0.0,) * 32}
    plan = with_known_ions(None, "W5O18", PAIR, [GOLD.model_copy(update=terms), SILVER])
    assert plan.ion_std_ev == {"Au": 0.3}
    assert plan.ion_note.count("no uncertainty computed") == 1
    gold = find_potential("Au", plan)
    deviates = np.array([-1.0, 0.0, 1.0, 3.0])
    # The ion's hold is its energy over three electrons, and never a push: 3 std up it is let go.
    np.testing.assert_allclose(
        gold.sample(np.zeros(4), deviates), 1.002 + np.array([-0.3, -0.2, -0.1, 0.0])
    )
    np.testing.assert_allclose(gold.sample(deviates, np.zeros(4)), 1.002 - 0.2 + 0.03 * deviates)
    assert "-0.60 +- 0.30 eV" in plan.ion_note
    with pytest.raises(InputError, match=r"ion_std_ev of Au is -0\.1"):
        CoReduction(ion_std_ev={"Au": -0.1})


def test_uncertain_potentials_blur_the_order_of_reduction():
    """A lead of 0.2 V decides where it is certain, and not where it is uncertain by half a volt."""
    ions = {"ion_affinity_ev": {"Au": -0.9, "Ag": 0.0}}
    sure = pomdft.predict_ordering(*PAIR, synthesis=CoReduction(**ions), **FAST)
    blurred = pomdft.predict_ordering(
        *PAIR, synthesis=CoReduction(**ions, ion_std_ev={"Au": 1.5, "Ag": 0.5}), **FAST
    )
    assert blurred.surface_fraction_std > 1.1 * sure.surface_fraction_std
    assert "Au -0.30 V ± 0.50 V" in blurred.reason


def test_ion_that_the_ligand_does_not_take_keeps_its_potential():
    ions = {"Au": 0.9, "Ag": -0.1}
    assert find_potential("Au", CoReduction(ion_affinity_ev=ions)).shift_v == 0.0
    found = pomdft.predict_ordering(*PAIR, synthesis=CoReduction(ion_affinity_ev=ions), **FAST)
    assert "Ag -0.10 V; the ion of [AuCl4]- is not held)" in found.reason


def test_one_sided_knowledge_shifts_nothing_and_says_what_is_missing():
    plan = with_known_ions(None, "W5O18", PAIR, [SILVER])
    assert plan.ion_affinity_ev == {}
    assert "No ion affinity of W5O18 for [AuCl4]- is known, only for Ag+" in plan.ion_note
    plan = with_known_ions(None, "W5O18", PAIR, [])
    assert "[AuCl4]- and Ag+" in plan.ion_note


def test_what_is_given_by_hand_stays():
    by_hand = CoReduction(ion_affinity_ev={"Au": -0.1, "Ag": -0.2})
    plan = with_known_ions(by_hand, "W5O18", PAIR, [GOLD, SILVER])
    assert plan.ion_affinity_ev == by_hand.ion_affinity_ev
    assert "by hand" in plan.ion_note
    half = with_known_ions(CoReduction(ion_affinity_ev={"Au": -0.1}), "W5O18", PAIR, [GOLD, SILVER])
    assert half.ion_affinity_ev == {"Au": -0.1, "Ag": -0.9}
    assert "Au by hand" in half.ion_note


def test_other_salts_ligands_levels_and_unrelaxed_values_are_not_mixed_in():
    def used(*documents):
        return with_known_ions(None, "W5O18", PAIR, documents).ion_affinity_ev

    assert used(document("Au", "[AuCl2]-", 1, -0.6), SILVER) == {}
    assert used(GOLD.model_copy(update={"ligand": "alpha-SiW11O39"}), SILVER) == {}
    assert used(GOLD.model_copy(update={"relaxed": False}), SILVER) == {}
    assert used(GOLD.model_copy(update={"level": load_level("xtb-water")}), SILVER) == {}
    finer = load_level("lcao-water", {"name": "fine", "parameters": {"h": 0.16}})
    other = GOLD.model_copy(update={"level": finer, "energy_ev": -5.0})
    assert used(other, SILVER) == {}
    assert used(GOLD, SILVER, other) == {"Au": -0.6, "Ag": -0.9}
    newer = SILVER.model_copy(update={"energy_ev": -1.0})
    assert used(GOLD, SILVER, newer) == {"Au": -0.6, "Ag": -1.0}


def test_no_ligand_and_unknown_metals_leave_the_plan_alone():
    plan = CoReduction(reductant="hydrazine")
    assert with_known_ions(plan, None, PAIR, [GOLD, SILVER]) is plan
    assert with_known_ions(plan, "W5O18", ("Au", "Hf"), [GOLD]) is plan


def test_prediction_takes_them_from_the_store():
    options = {"affinity": {"Au": -0.4, "Ag": -0.4}, "n_members": 8, "route": "co-reduction"}
    # Of this ligand none is shipped.
    ligand = "alpha-SiW11O39"
    before = pomdft.predict_ordering("Au", "Ag", ligand, **options)
    assert f"No ion affinity of {ligand} for [AuCl4]- and Ag+ is known" in before.reason
    for held in (
        document("Au", "[AuCl4]-", 3, -2.4, ligand=ligand),
        document("Ag", "Ag+", 1, -0.1, ligand=ligand),
    ):
        save_document(load_settings().store, held)
    after = pomdft.predict_ordering("Au", "Ag", ligand, **options)
    assert "Au -0.80 V" in after.reason
    assert "[AuCl4]- -2.40 eV (lcao-water#" in after.reason
    # Gold is held so tightly that silver comes first.
    assert before.core == "Au"
    assert after.core != "Au"


def test_command_says_it_too():
    from pomdft.cli import main

    main.register_commands(["predict"])
    arguments = [
        "predict",
        "Au",
        "Ag",
        "--ligand",
        "A-alpha-SiW9O34",
        "--affinity",
        "Au=-0.4",
        "--affinity",
        "Ag=-0.4",
    ]
    shown = CliRunner().invoke(
        main.app, [*arguments, "--route", "co-reduction", "--atoms", "147"], catch_exceptions=False
    )
    assert "No ion affinity of A-alpha-SiW9O34" in " ".join(shown.stdout.split())


def test_missing_potential_is_still_an_error():
    with pytest.raises(NotComputedError, match="equilibrium"):
        pomdft.predict_ordering(
            "Au", "Hf", "W5O18", affinity={"Au": -0.1, "Hf": -0.1}, route="co-reduction"
        )


def test_finished_work_asked_for_again_changes_nothing_and_damage_is_repaired():
    root = load_settings().store
    first = keep_document(root, SILVER)
    later = SILVER.model_copy(update={"finished": datetime.now(UTC)})
    assert later != first
    assert keep_document(root, later) == first
    other = SILVER.model_copy(update={"energy_ev": -0.8})
    assert keep_document(root, other) == other
    (path,) = (root / "documents" / "ion_affinity").glob("*.json")
    path.write_text('{"key": ')
    assert keep_document(root, later) == later
    found = load_ion_affinities("W5O18", root=root)
    assert [held for held in found if held.source == "store"] == [later]
