"""What docs/DATASET.md and docs/convergence.md say of a shipped number has to be that number."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pomdft.analysis.mixing import load_measured, mixing_enthalpy
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.dband import DBand
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.segregation import SegregationEnergyDocument, SubstitutionEnergyDocument
from pomdft.store.documents import (
    load_every_reference_document,
    load_reference_affinities,
    load_reference_documents,
)
from pomdft.store.reference import load_provenance, read_archived

PAGE = (Path(__file__).parents[2] / "docs" / "DATASET.md").read_text()
CONVERGENCE = (Path(__file__).parents[2] / "docs" / "convergence.md").read_text()
NUMBER = re.compile(r"[+-]?\d+\.\d+")
ROUNDING_EV = 0.0055
KEY = re.compile(r"`([0-9a-f]{8})`")


def rows_of(page: str) -> list[list[str]]:
    lines = (line for line in page.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ROWS = [(KEY.findall(" ".join(row)), row) for row in rows_of(PAGE + CONVERGENCE)]
KEYED = [(key, row) for keys, row in ROWS for key in keys]


def shipped(key: str) -> object:
    everything = (*load_reference_affinities(), *load_every_reference_document())
    (found,) = (document for document in everything if document.key.startswith(key))
    return found


def optional(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def spread(value: float, std: float | None, form: str) -> str:
    return format(value, form) + ("" if std is None else f" +- {std:{form}}")


def expected_cells(document: object) -> list[str]:
    match document:
        case Affinity():
            return [
                f"{document.energy_ev:.3f}",
                optional(document.std_ev, ".2f"),
                optional(document.counterpoise_energy_ev, ".3f"),
                f"{document.interaction_energy_ev:.3f}",
                f"{document.reorganisation_ligand_ev:.3f} / {document.reorganisation_metal_ev:.3f}",
                str(document.contacts),
                "one" if document.poses == 1 else f"lowest of {document.poses}",
            ]
        case SegregationEnergyDocument():
            return [
                f"{document.solute} in {document.host}({document.facet})",
                f"{document.energy_ev:+.2f}",
                optional(document.std_ev, ".2f"),
            ]
        case SubstitutionEnergyDocument():
            std = "" if document.std_ev is None else f" +- {document.std_ev:.3f}"
            return [f"{document.solute} in {document.host}", f"{document.energy_ev:+.3f}{std}"]
        case IonAffinity():
            return [
                f"{document.energy_ev:+.3f}",
                optional(document.std_ev, ".2f"),
                f"{document.potential_shift_v:+.3f}",
            ]
        case ProtonationEnergy():
            return [
                f"{document.energy_ev:+.3f}",
                optional(document.std_ev, ".2f"),
                f"{document.oh_length_angstrom:.3f}",
            ]
        case InteractionEnergy():
            return [
                document.variant,
                document.metal + document.cluster.removeprefix("M"),
                f"{document.energy_ev:.3f}",
                optional(document.counterpoise_energy_ev, ".3f"),
            ]
        case _:
            raise AssertionError(document)


@pytest.mark.parametrize(("key", "row"), KEYED, ids=[key for key, _ in KEYED])
def test_row_says_what_the_document_says(key: str, row: list[str]) -> None:
    for cell in expected_cells(shipped(key)):
        assert cell in row


def test_every_energy_has_its_row() -> None:
    listed = {key for key, _ in KEYED}
    energies = [
        *load_reference_affinities(),
        *load_reference_documents(SegregationEnergyDocument),
        *load_reference_documents(SubstitutionEnergyDocument),
        *load_reference_documents(ProtonationEnergy),
        *load_reference_documents(IonAffinity),
        *load_reference_documents(InteractionEnergy),
    ]
    assert {document.key[:8] for document in energies} == listed


def test_lattice_constants_and_d_bands_have_their_rows() -> None:
    rows = rows_of(PAGE)
    for metal in load_reference_documents(BulkMetal):
        (row,) = (r for r in rows if r[0] == metal.metal and len(r) == 9)
        length, modulus = metal.lattice_constant_angstrom, metal.bulk_modulus_gpa
        assert row[1] == spread(length, metal.lattice_constant_std_angstrom, ".3f")
        assert row[3] == spread(modulus, metal.bulk_modulus_std_gpa, ".0f")
        cohesive = metal.cohesive_energy_ev_per_atom
        assert cohesive is not None
        assert row[4] == spread(cohesive, metal.cohesive_std_ev_per_atom, ".2f")
    for band in load_reference_documents(DBand):
        # A bare cluster has one for each ligand its minimum was found with.
        cluster = band.facet.startswith("M")
        name = band.metal + (band.facet[1:] if cluster else f"({band.facet})")
        cells = [cell for row in rows if row[0] == name for cell in row if NUMBER.fullmatch(cell)]
        assert any(abs(float(cell) - band.center_ev) < ROUNDING_EV for cell in cells), band


def test_counts_are_those_of_the_data() -> None:
    (line,) = (text for text in PAGE.splitlines() if text.startswith("Shipped now: "))
    records = load_provenance().values()
    bands = load_reference_documents(DBand)
    for count, words in (
        (len(load_reference_affinities()), "affinities"),
        (len(load_reference_documents(BulkMetal)), "lattice constants"),
        (len(bands), "d-bands"),
        (len(load_reference_documents(SegregationEnergyDocument)), "segregation energies"),
        (len(load_reference_documents(SubstitutionEnergyDocument)), "mixing energies"),
        (len(load_reference_documents(ProtonationEnergy)), "protonation energies"),
        (len(load_reference_documents(IonAffinity)), "ion affinities"),
        (len(load_reference_documents(InteractionEnergy)), "interaction energies"),
        (len(records), "calculations with logs"),
    ):
        assert f" {count} {words}" in line
    hours = sum(record.wall_time_s for record in records) / 3600
    assert f"{hours:.1f} hours of computing" in line


#: An intact ion has no vacancy.
SITES = {"alpha-SiW12O40": "terminal-face"}
USUAL = {
    (a.ligand, a.metal): a
    for a in load_reference_affinities()
    if (a.model.cluster, a.model.charge_model) == ("M4", "protonated")
    and a.model.site == SITES.get(a.ligand, "vacancy")
}


def difference_std(first: Affinity, second: Affinity) -> float | None:
    if first.ensemble_ev is None or second.ensemble_ev is None:
        return None
    return float(np.std(first.ensemble_ev - second.ensemble_ev))


def table_under(*header: str, page: str = PAGE) -> tuple[list[str], list[list[str]]]:
    """Return the header that begins with these cells, and the rows below it."""
    lines = page.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    (start,) = (i for i, row in enumerate(rows) if tuple(row[: len(header)]) == header)
    end = next(i for i in range(start, len(lines)) if not lines[i].startswith("|"))
    return rows[start], rows[start + 2 : end]


def test_differences_between_silver_and_gold() -> None:
    called = {"PVP unit": "PVP", "butanethiol": "thiolate"}
    _, table = table_under("ligand", "Ag4 - Au4 (eV)")
    both = {ligand for ligand, _ in USUAL if {(ligand, "Ag"), (ligand, "Au")} <= USUAL.keys()}
    assert {called.get(row[0], row[0]) for row in table} == both
    for name, bare, std, corrected in table:
        ligand = called.get(name, name)
        silver, gold = USUAL[ligand, "Ag"], USUAL[ligand, "Au"]
        assert bare == f"{silver.energy_ev - gold.energy_ev:+.2f}"
        assert std == optional(difference_std(silver, gold), ".2f")
        assert silver.counterpoise_energy_ev is not None
        assert gold.counterpoise_energy_ev is not None
        assert corrected == f"{silver.counterpoise_energy_ev - gold.counterpoise_energy_ev:+.2f}"


def test_differences_between_metals_on_one_ligand() -> None:
    (_, *ligands), table = table_under("difference (eV)")
    assert len(table) == 6
    for name, *cells in table:
        one, other = name.replace("4", "").split(" - ")
        for ligand, cell in zip(ligands, cells, strict=True):
            if not {(ligand, one), (ligand, other)} <= USUAL.keys():
                assert not cell
                continue
            first, second = USUAL[ligand, one], USUAL[ligand, other]
            std = difference_std(first, second)
            assert cell == spread(first.energy_ev - second.energy_ev, std, "+.2f").replace(
                "+- +", "+- "
            )


def test_differences_between_silver_and_gold_by_model() -> None:
    by_key = {a.key[:8]: a for a in load_reference_affinities()}
    _, energies = table_under("ligand", "model", "metal", page=CONVERGENCE)
    models: dict[tuple[str, str], dict[str, Affinity]] = {}
    for ligand, name, *_, key in energies:
        affinity = by_key[key.strip("`")]
        assert affinity.ligand == ligand
        models.setdefault((ligand, name), {})[affinity.metal] = affinity
    _, differences = table_under("ligand", "model", "Ag - Au (eV)", page=CONVERGENCE)
    both = [name for name, metals in models.items() if metals.keys() == {"Au", "Ag"}]
    assert [(row[0], row[1]) for row in differences] == both
    for ligand, name, bare, corrected in differences:
        silver, gold = models[ligand, name]["Ag"], models[ligand, name]["Au"]
        std = difference_std(silver, gold)
        expected = f"{silver.energy_ev - gold.energy_ev:+.2f}"
        assert bare == expected + ("" if std is None else f" +- {std:.2f}")
        assert silver.counterpoise_energy_ev is not None
        assert gold.counterpoise_energy_ev is not None
        assert corrected == f"{silver.counterpoise_energy_ev - gold.counterpoise_energy_ev:+.2f}"


def test_what_sodium_changes() -> None:
    models = {
        (a.metal, a.model.charge_model): a
        for a in load_reference_affinities()
        if (a.ligand, a.model.cluster, a.model.site) == ("W5O18", "M4", "vacancy")
        and a.level.name == "lcao"
    }
    differences = {}
    for charge_model in ("alkali", "protonated"):
        silver, gold = models["Ag", charge_model], models["Au", charge_model]
        assert silver.ensemble_ev is not None
        assert gold.ensemble_ev is not None
        energy = silver.energy_ev - gold.energy_ev
        differences[charge_model] = (energy, silver.ensemble_ev - gold.ensemble_ev)
    (sodium, its), (protons, theirs) = differences["alkali"], differences["protonated"]
    std = float(np.std(its - theirs))
    text = " ".join(CONVERGENCE.split())
    assert f"the difference changes by {sodium - protons:.2f} +- {std:.2f} eV" in text
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text().split())
    words = f"by {-protons:.2f} eV with protons, by {-sodium:.2f} eV with sodium ions"
    assert f"W5O18 holds silver more tightly than gold {words}" in readme


def test_sodium_ions_are_near_their_minima() -> None:
    largest = 0.0
    for affinity in load_reference_affinities():
        if affinity.model.charge_model == "alkali":
            ligand = read_archived(affinity.calculations["ensemble-ligand"])
            forces = np.linalg.norm(ligand.result.forces_ev_per_angstrom, axis=1)
            is_ion = np.array([symbol == "Na" for symbol in ligand.request.model.symbols])
            assert is_ion.any()
            largest = max(largest, float(forces[is_ion].max()))
    text = " ".join(CONVERGENCE.split())
    assert f"PBE's forces on them are {largest:.2f} eV/angstrom at most" in text


def test_mixing_energies_are_no_better_than_the_model() -> None:
    known = {(d.solute, d.host): d for d in load_reference_documents(SubstitutionEnergyDocument)}
    deviations = []
    for pair, (measured, _) in load_measured().items():
        first, second = sorted(pair)
        if (first, second) in known:
            both = known[first, second].energy_ev + known[second, first].energy_ev
            model = mixing_enthalpy(first, second, use_measured=False).energy_ev
            deviations.append((both / 7 - measured, model - measured))
    assert len(deviations) == 8
    dft, model = np.sqrt(np.mean(np.square(deviations), axis=0))
    text = " ".join(PAGE.split())
    assert f"lie off by {dft:.3f} eV an atom (root mean square)" in text
    assert f"the model that predictions fall back on ({model:.3f} eV)" in text


def test_differences_of_basicity() -> None:
    steps = {(s.pom, s.protons): s for s in load_reference_documents(ProtonationEnergy)}

    def difference(first: tuple[str, int], second: tuple[str, int]) -> str:
        one, other = steps[first], steps[second]
        assert one.ensemble_ev is not None
        assert other.ensemble_ev is not None
        std = float(np.std(one.ensemble_ev - other.ensemble_ev))
        return f"{other.energy_ev - one.energy_ev:.2f} +- {std:.2f} eV"

    lacunary, intact = "alpha-PMo11O39", "alpha-PMo12O40"
    text = " ".join(PAGE.split())
    basicity = difference((lacunary, 1), (intact, 1))
    assert f"more basic than the intact one by {basicity}" in text
    one, two = (difference((pom, 1), (pom, 2)) for pom in (lacunary, intact))
    assert f"by {one} on PMo11O39 and {two} on PMo12O40" in text
