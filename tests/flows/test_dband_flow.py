"""The d-band from a real GPAW run to the document, against GPAW's own density of states."""

import numpy as np
import pytest

from pomdft.errors import InputError, NotComputedError
from pomdft.flows.dband import DBandMaker, assemble_d_band, find_d_band
from pomdft.flows.periodic import PeriodicCalculation
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.calculation import CalculationInput
from pomdft.schemas.level import Level
from pomdft.structures.crystals import Lattice, build_facet_slab, inner_site, surface_site

EMT = Level(name="emt", method="emt", relax=False)
SMALL = Level(
    name="pw-small",
    method="gpaw",
    relax=False,
    parameters={
        "mode": {"name": "pw", "ecut": 250},
        "xc": "PBE",
        "nbands": 12,
        "kpts": {"size": [4, 4, 4], "gamma": True},
        "occupations": {"name": "fermi-dirac", "width": 0.1},
        "convergence": {"density": 1e-3, "energy": 1e-3, "bands": 10},
    },
)


def copper(level):
    return BulkMetal(
        key="0" * 24,
        metal="Cu",
        symmetry="fcc",
        level=level,
        lattice_constant_angstrom=3.64,
        bulk_modulus_gpa=140.0,
        energy_ev_per_atom=-3.7,
        fit_residual_ev=0.0,
        calculations={"test": "0" * 24},
    )


@pytest.mark.gpaw
def test_bulk_copper_against_gpaws_own_density_of_states(tmp_path, monkeypatch):
    from gpaw import GPAW

    from pomdft.structures.convert import to_atoms
    from pomdft.structures.crystals import build_crystal

    monkeypatch.setenv("POMDFT_STORE", str(tmp_path))
    maker = DBandMaker(level=SMALL, store=str(tmp_path), cores=1)
    found = maker.compute(copper(SMALL), "bulk")
    assert find_d_band("Cu", "bulk") == found
    (site,) = found.sites
    assert site.symbol == "Cu"
    atoms = to_atoms(build_crystal("Cu", Lattice("fcc", 3.64)))
    atoms.calc = GPAW(**SMALL.parameters, txt=None)
    atoms.get_potential_energy()
    energies = np.linspace(-15, 8, 4001)
    density = atoms.calc.dos().raw_pdos(energies, 0, 2, width=0.1 * np.sqrt(2))
    center = np.trapezoid(density * energies, energies) / np.trapezoid(density, energies)
    below = energies <= 0
    filling = np.trapezoid(density[below], energies[below]) / np.trapezoid(density, energies)
    assert found.center_ev == pytest.approx(center, abs=0.01)
    assert found.filling == pytest.approx(filling, abs=0.01)
    # Bulk copper: a full, narrow band well below the Fermi level.
    assert -3.6 < found.center_ev < -2.2
    assert found.filling > 0.9


def test_semiempirical_levels_have_no_d_band():
    runs = PeriodicCalculation(level=EMT, properties=("d-band",))
    slab = build_facet_slab("Cu", "111", Lattice("fcc", 3.64))
    with pytest.raises(InputError, match="need method gpaw"):
        runs.request(slab, "Cu(111)")


def test_properties_change_the_key_and_their_absence_does_not():
    runs = PeriodicCalculation(level=SMALL)
    slab = build_facet_slab("Cu", "111", Lattice("fcc", 3.64))
    plain = runs.request(slab, "Cu(111)")
    data = plain.model_dump(mode="json")
    del data["properties"]
    assert CalculationInput.model_validate(data).key == plain.key
    other = CalculationInput.create("energy", plain.model, SMALL, ("d-band",))
    assert other.key != plain.key


def test_levels_for_molecules_are_refused():
    level = SMALL.model_copy(update={"parameters": {"mode": "lcao"}})
    slab = build_facet_slab("Cu", "111", Lattice("fcc", 3.64))
    with pytest.raises(InputError, match="has no k-points"):
        PeriodicCalculation(level=level).request(slab, "Cu(111)")


@pytest.mark.parametrize(("facet", "n"), [("111", 4), ("100", 4), ("211", 27)])
def test_slabs(facet, n):
    layers = 9 if facet == "211" else 4
    slab = build_facet_slab("Cu", facet, Lattice("fcc", 3.64), layers=layers)
    assert len(slab) == n
    assert slab.lattice.pbc == (True, True, False)
    heights = np.asarray(slab.cart_coords)[:, 2]
    assert heights[surface_site(slab)] == pytest.approx(heights.max(), abs=1e-3)
    middle = 0.5 * (heights.min() + heights.max())
    assert abs(heights[inner_site(slab)] - middle) <= np.abs(heights - middle).min() + 1e-3


def test_surface_site_stands_for_the_slab_and_others_are_kept():
    site = {
        "symbol": "Cu",
        "weight": 9.0,
        "width_ev": 1.0,
        "filling": 0.9,
        "upper_edge_ev": -1.0,
        "window_center_ev": -2.0,
        "window_width_ev": 1.0,
    }
    extras = {
        "range_ev": [-15, 8],
        "window_ev": [-10, 2],
        "sites": [{**site, "index": i, "center_ev": -2.0 - i} for i in range(3)],
    }
    fields = {"key": "0" * 24, "metal": "Cu", "facet": "111", "level": SMALL}
    band = assemble_d_band(extras, [2], calculations={"slab": "0" * 24}, **fields)
    assert band.center_ev == -4.0
    assert list(band.to_dataframe()["center_ev"]) == [-2.0, -3.0, -4.0]
    with pytest.raises(InputError, match="has a d-band"):
        assemble_d_band(extras, [5], calculations={"slab": "0" * 24}, **fields)


def test_what_is_not_computed_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("POMDFT_STORE", str(tmp_path))
    with pytest.raises(NotComputedError, match="pomdft metal d-band Cu --facet 211"):
        find_d_band("Cu", "211", level="no-such")
    with pytest.raises(NotComputedError, match="pomdft metal ensemble W5O18 Cu --cluster M13"):
        find_d_band("Cu", "M13")
