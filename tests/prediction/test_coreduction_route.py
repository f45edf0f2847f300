import numpy as np
import pytest

from pomdft.errors import InputError, NotComputedError, UnknownNameError
from pomdft.prediction.ordering import predict_ordering
from pomdft.prediction.reduction import (
    CoReduction,
    compute_rates,
    draw_sequences,
    find_potential,
    load_potentials,
)

FAST = {"n_members": 12, "route": "co-reduction"}


def test_mild_reductant_separates_two_salts_0_2_v_apart():
    found = predict_ordering("Au", "Ag", synthesis=CoReduction(reductant="hydrogen"), **FAST)
    assert (found.label, found.core, found.shell) == ("core-shell", "Au", "Ag")
    assert "[AuCl4]-" in found.reason


@pytest.mark.parametrize("pair", [("Au", "Pd"), ("Au", "Ag")])
def test_strong_reductant_alloys_in_spite_of_the_gap(pair):
    found = predict_ordering(*pair, synthesis=CoReduction(reductant="hydrazine"), **FAST)
    assert found.label == "random-alloy"


def test_ion_held_by_the_ligand_is_reduced_later_and_turns_the_particle_inside_out():
    plan = CoReduction(ion_affinity_ev={"Au": -1.5})
    assert find_potential("Au", plan).shift_v == pytest.approx(-0.5)
    found = predict_ordering("Au", "Ag", synthesis=plan, **FAST)
    assert (found.label, found.core, found.shell) == ("core-shell", "Ag", "Au")


def test_galvanic_exchange_keeps_the_noble_metal_out_of_reach_of_silver_cores():
    with_exchange = predict_ordering(
        "Au", "Ag", synthesis=CoReduction(reductant="hydrazine"), **FAST
    )
    without = predict_ordering(
        "Au", "Ag", synthesis=CoReduction(reductant="hydrazine", galvanic_exchange=False), **FAST
    )
    # Dissolved silver comes back last: there is more of it outside.
    assert with_exchange.surface_fraction > without.surface_fraction


def test_rates_reach_the_diffusion_limit():
    fast = compute_rates([1.0, 0.6], -1.2, 298.15)
    slow = compute_rates([1.0, 0.8], 0.0, 298.15)
    assert fast == pytest.approx([1.0, 1.0], abs=1e-3)
    assert slow[0] / slow[1] > 10.0


def test_sequences_hold_every_atom_and_follow_the_rates():
    rng = np.random.default_rng(0)
    equal = draw_sequences(np.ones((400, 2)), 50, 100, rng)
    assert (equal.sum(axis=1) == 50).all()
    assert equal[:, :10].mean() == pytest.approx(0.5, abs=0.05)
    apart = draw_sequences(np.tile([1.0, 1e-4], (20, 1)), 50, 100, rng)
    assert apart[:, :45].mean() < 0.02


def test_galvanic_atoms_are_not_lost():
    found = predict_ordering("Au", "Cu", "POM", 0.3, affinity={"Au": -0.1, "Cu": -0.2}, **FAST)
    assert found.fraction == pytest.approx(0.3, abs=0.01)
    assert len(found.species) == found.n_atoms == 309


def test_bad_plans_are_named():
    with pytest.raises(UnknownNameError, match="reductant"):
        CoReduction(reductant="hydrazin")
    with pytest.raises(InputError, match="ion_affinity_ev"):
        CoReduction(ion_affinity_ev={"Au": float("nan")})
    with pytest.raises(UnknownNameError, match="salt of Au"):
        find_potential("Au", CoReduction(salts={"Au": "AuBr"}))
    with pytest.raises(NotComputedError, match="equilibrium"):
        predict_ordering("Au", "Hf", **FAST)


def test_potentials_are_those_of_the_electrochemical_series():
    table = load_potentials().set_index("salt")["potential_v"]
    assert table["Ag+"] == pytest.approx(0.80, abs=0.01)
    assert table["[AuCl4]-"] == pytest.approx(1.00, abs=0.01)
    assert table["Au+"] == pytest.approx(1.69, abs=0.01)
    assert table["Pt2+"] == pytest.approx(1.18, abs=0.01)
    assert find_potential("Au", CoReduction()).salt == "[AuCl4]-"
    assert find_potential("Pt", CoReduction()).salt == "[PtCl4]2-"
