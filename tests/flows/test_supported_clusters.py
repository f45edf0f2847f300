"""Clusters on a graphene patch, with and without a ligand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pomdft.calculations.levels import load_level
from pomdft.errors import UnknownNameError
from pomdft.flows.affinity import AffinityMaker, count_contacts_of
from pomdft.flows.jobs import take_fragment
from pomdft.flows.metals import run_metal_flows
from pomdft.flows.preparation import plan_affinity
from pomdft.schemas.level import Level
from pomdft.store.results import ResultStore

PATCH_ATOMS = 72
STATIC = Level(name="emt-static", method="emt", relax=False)


def plan(ligand: str, metal: str, cluster: str):
    return plan_affinity(ligand, metal, cluster, "vacancy", "protonated", level=load_level("lcao"))


def test_free_form_of_a_supported_cluster_is_supported() -> None:
    made = plan("W5O18", "Pd", "M4-on-graphene")
    n_ligand = len(made.ligand)
    (whole,) = made.complexes
    assert len(made.cluster) == 4 + PATCH_ATOMS
    assert len(whole) == n_ligand + 4 + PATCH_ATOMS
    assert made.title == "W5O18 + Pd4-on-graphene, vacancy, protonated"
    part, ghosts = take_fragment(whole, "metal", keep_ghosts=False)
    assert part.composition == made.cluster.composition
    assert (part.charge, part.spin_multiplicity, ghosts) == (0, 3, ())
    with_ghosts, ghosts = take_fragment(whole, "ligand", keep_ghosts=True)
    assert len(with_ghosts) == len(whole)
    assert len(ghosts) == 4 + PATCH_ATOMS


def test_carbon_is_no_contact_of_the_ligand() -> None:
    (bare,) = plan("W5O18", "Pd", "M4").complexes
    (supported,) = plan("W5O18", "Pd", "M4-on-graphene").complexes
    assert count_contacts_of(supported) == count_contacts_of(bare) > 0


def test_the_box_holds_the_patch() -> None:
    made = plan("W5O18", "Au", "M4-on-graphene")
    edges = np.array(made.box.edges_angstrom)
    for molecule in (made.ligand, made.cluster, *made.complexes):
        inside = made.box.place(np.asarray(molecule.cart_coords))
        assert (inside > 3.0).all()
        assert (inside < edges - 3.0).all()


def test_bare_cluster_lies_on_the_patch_in_its_free_shape() -> None:
    made = plan("graphene", "Au", "M4")
    (whole,) = made.complexes
    gold = np.array([site.coords for site in whole if site.specie.symbol == "Au"])
    assert np.ptp(gold[:, 2]) < 1e-6
    # Sum of the covalent radii, and a quarter of an angstrom.
    assert gold[:, 2] == pytest.approx(0.76 + 1.36 + 0.25, abs=0.01)
    assert np.allclose(gold[:, :2].mean(axis=0), 0.0, atol=1e-6)
    assert count_contacts_of(whole) == 0


def test_unknown_support_is_named() -> None:
    with pytest.raises(UnknownNameError, match="support 'graphite'"):
        plan("W5O18", "Au", "M4-on-graphite")
    with pytest.raises(UnknownNameError, match="ligand 'grafene'"):
        plan("grafene", "Au", "M4")


def test_binding_energies_follow_from_their_parts(tmp_path: Path) -> None:
    """Effective medium theory knows C, H, N, O and Au well enough to add up energies."""
    maker = AffinityMaker(level=STATIC, store=str(tmp_path))
    flows = [maker.make("PVP", "Au", cluster="M4-on-graphene"), maker.make("graphene", "Au")]
    assert not run_metal_flows(flows).missing
    store = ResultStore(tmp_path)
    supported, bare = (store.affinities(ligand=name)[0] for name in ("PVP", "graphene"))
    n_pvp = len(plan("PVP", "Au", "M4").ligand)
    for affinity, sizes in (
        (supported, {"complex": n_pvp + 76, "ligand": n_pvp, "cluster": 76}),
        (bare, {"complex": 76, "ligand": PATCH_ATOMS, "cluster": 4}),
    ):
        found = {
            role: len(store.read_input(affinity.calculations[role]).model.symbols) for role in sizes
        }
        assert found == sizes
        energy = {role: store.read_result(affinity.calculations[role]).energy_ev for role in sizes}
        parts = energy["complex"] - energy["ligand"] - energy["cluster"]
        assert affinity.energy_ev == pytest.approx(parts, abs=1e-9)
    assert supported.model.cluster == "M4-on-graphene"
    assert bare.per_contact_ev is None
