"""Rewrite the tables of docs/DATASET.md and docs/convergence.md from the shipped data.

    python workflows/dataset_tables.py           # after python -m pomdft.store.export
    python workflows/dataset_tables.py --check   # write nothing, fail if something would change

Measured and published values, and names that no document holds, stay as they stand in the pages.
"""

import re
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from pomdft.flows.convergence import CONVERGENCE_VARIANTS
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.beef import ensemble_coefficients
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.dband import DBand
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.reaction import ENSEMBLE_ROLE, ReactionEnergy
from pomdft.schemas.segregation import SegregationEnergyDocument, SubstitutionEnergyDocument
from pomdft.store.documents import (
    StoredDocument,
    load_every_reference_document,
    load_reference_affinities,
    load_reference_documents,
)
from pomdft.store.reference import load_provenance

DOCS = Path(__file__).resolve().parents[1] / "docs"
POMS = ("W5O18", "A-alpha-SiW9O34", "alpha-SiW11O39", "gamma-SiW10O36")
OTHERS = ("alpha-SiW12O40", "PVP", "thiolate", "citrate", "graphene")
METALS = ("Au", "Ag", "Cu", "Pd", "Pt", "Rh", "Ru", "Ir", "Ni", "Co")
DIFFERENCES = (("Ag", "Au"), ("Cu", "Au"), ("Cu", "Ag"), ("Pd", "Au"), ("Pt", "Au"), ("Pt", "Pd"))
#: Where the usual cluster docks, where that is not the vacancy.
USUAL_SITE = {"alpha-SiW12O40": "terminal-face"}
SPOKEN = {"PVP": "PVP unit", "thiolate": "butanethiol"}
VERSIONS = (("GPAW", "gpaw"), ("gpaw-data", "gpaw-data"))

Row = Sequence[str]
Rows = list[Row]


def number(value: float | None, form: str, std: float | None = None) -> str:
    """Return a number, with its standard deviation behind +- where there is one; "" for none."""
    if value is None:
        return ""
    return format(value, form) + ("" if std is None else f" +- {std:{form.lstrip('+')}}")


def short(key: str) -> str:
    """Return a key as pages give it."""
    return f"`{key[:8]}`"


def is_usual(affinity: Affinity) -> bool:
    """Return whether an affinity is of the usual model of its ligand, at the usual level."""
    model = affinity.model
    return (affinity.level.name, model.cluster, model.charge_model, model.site) == (
        "lcao",
        "M4",
        "protonated",
        USUAL_SITE.get(affinity.ligand, "vacancy"),
    )


AFFINITIES = load_reference_affinities()
USUAL = {(a.ligand, a.metal): a for a in AFFINITIES if is_usual(a)}
BANDS = [band for band in load_reference_documents(DBand) if band.facet.startswith("M")]


def name_cluster(metal: str, cluster: str) -> str:
    """Return e.g. Au4 for gold and M4, Au for M1."""
    return metal if cluster == "M1" else metal + cluster.removeprefix("M")


def std_of_difference(first: ReactionEnergy, second: ReactionEnergy) -> float | None:
    """Return the standard deviation of a difference, member by member; None without ensembles."""
    if first.ensemble_ev is None or second.ensemble_ev is None:
        return None
    return float(np.std(first.ensemble_ev - second.ensemble_ev))


def describe_energies(affinity: Affinity) -> list[str]:
    """Return the columns from the binding energy to the reorganisation."""
    reorganisation = (affinity.reorganisation_ligand_ev, affinity.reorganisation_metal_ev)
    return [
        f"{affinity.energy_ev:.3f}",
        number(affinity.std_ev, ".2f"),
        number(affinity.counterpoise_energy_ev, ".3f"),
        f"{affinity.interaction_energy_ev:.3f}",
        " / ".join(f"{energy:.3f}" for energy in reorganisation),
    ]


def describe_pose(affinity: Affinity) -> list[str]:
    """Return the columns from contacts to key."""
    poses = "one" if affinity.poses == 1 else f"lowest of {affinity.poses}"
    return [str(affinity.contacts), poses, short(affinity.key)]


def list_affinities(ligands: Iterable[str]) -> Rows:
    """Return a row for each usual affinity of some ligands."""
    known = [USUAL[name, metal] for name in ligands for metal in METALS if (name, metal) in USUAL]
    return [
        [
            a.ligand,
            name_cluster(a.metal, a.model.cluster),
            *describe_energies(a),
            number(a.dispersion_ev, ".3f"),
            *describe_pose(a),
        ]
        for a in known
    ]


def subtract(first: Affinity, second: Affinity) -> list[str]:
    """Return the difference of two affinities with its deviation, and the corrected one."""
    corrected = [a.counterpoise_energy_ev for a in (first, second)]
    difference = None if None in corrected else corrected[0] - corrected[1]  # type: ignore[operator]
    std = std_of_difference(first, second)
    return [number(first.energy_ev - second.energy_ev, "+.2f", std), number(difference, "+.2f")]


def list_differences() -> Rows:
    """Return the differences between metals on each POM."""
    return [
        [f"{one}4 - {other}4"]
        + [
            subtract(USUAL[pom, one], USUAL[pom, other])[0]
            if {(pom, one), (pom, other)} <= USUAL.keys()
            else ""
            for pom in POMS
        ]
        for one, other in DIFFERENCES
    ]


def list_silver_against_gold() -> Rows:
    """Return the difference between silver and gold on each ligand, the most negative first."""
    pairs = [
        (USUAL[ligand, "Ag"], USUAL[ligand, "Au"])
        for ligand in (*POMS, *OTHERS)
        if {(ligand, "Ag"), (ligand, "Au")} <= USUAL.keys()
    ]
    pairs.sort(key=lambda pair: pair[0].energy_ev - pair[1].energy_ev)
    rows: Rows = []
    for silver, gold in pairs:
        difference, corrected = subtract(silver, gold)
        energy, _, std = difference.partition(" +- ")
        rows.append([SPOKEN.get(gold.ligand, gold.ligand), energy, std, corrected])
    return rows


def list_cluster_bands(header: Row) -> Rows:
    """Return the centres of bare clusters and under ligands, the columns as the header has them."""
    centres: dict[tuple[str, str, str], float] = {}
    points = {key: band for band in BANDS for key in band.calculations.values()}
    for affinity in AFFINITIES:
        band = points.get(affinity.calculations.get(f"{ENSEMBLE_ROLE}complex", ""))
        if band is not None and affinity.level.name == "lcao":
            name = SPOKEN.get(affinity.ligand, affinity.ligand)
            column = f"under {'the ' if affinity.ligand == 'PVP' else ''}{name}"
            if affinity.model.site != USUAL_SITE.get(affinity.ligand, "vacancy"):
                column += f" at a {affinity.model.site}"
            if affinity.model.charge_model == "alkali":
                column += " with sodium ions"
            centres[band.metal, band.facet, column] = band.center_ev
    for band in BANDS:
        # A bare cluster has one for each ligand its minimum was found with; they agree.
        if band.ligand is None:
            centres.setdefault((band.metal, band.facet, "bare"), band.center_ev)
    unknown = {column for *_, column in centres} - set(header)
    if unknown:
        sys.exit(f"The table of d-bands of clusters has no column {', '.join(sorted(unknown))}.")
    return [
        [metal + facet.removeprefix("M")]
        + [number(centres.get((metal, facet, column)), ".2f") for column in header[1:]]
        for facet in ("M4", "M1")
        for metal in METALS
        if (metal, facet, "bare") in centres
    ]


def describe_model(affinity: Affinity) -> str:
    """Return what differs from the usual model."""
    model = affinity.model
    parts = [
        model.cluster if model.cluster != "M4" else "",
        f"site {model.site}" if model.site != "vacancy" else "",
        f"charge model {model.charge_model}" if model.charge_model != "protonated" else "",
    ]
    return ", ".join(part for part in parts if part) or "usual: M4, vacancy, protonated"


def find_models(level: str) -> list[Affinity]:
    """Return the affinities of gold and silver on POMs of which there is another model."""
    found = [
        a
        for a in AFFINITIES
        if a.level.name == level and a.ligand in POMS and a.metal in ("Au", "Ag")
    ]
    with_others = {a.ligand for a in found if not is_usual(a)}
    return sorted(
        (a for a in found if a.ligand in with_others),
        key=lambda a: (POMS.index(a.ligand), not is_usual(a), describe_model(a), a.metal != "Au"),
    )


def list_models(level: str) -> Rows:
    """Return a row for each affinity of `find_models`."""
    return [
        [
            a.ligand,
            describe_model(a),
            name_cluster(a.metal, a.model.cluster),
            *describe_energies(a),
            *describe_pose(a),
        ]
        for a in find_models(level)
    ]


def list_differences_by_model() -> Rows:
    """Return silver less gold in each model."""
    models: dict[tuple[str, str], dict[str, Affinity]] = {}
    for affinity in find_models("lcao"):
        name = affinity.ligand, describe_model(affinity)
        models.setdefault(name, {})[affinity.metal] = affinity
    return [
        [*name, *subtract(held["Ag"], held["Au"])]
        for name, held in models.items()
        if {"Ag", "Au"} <= held.keys()
    ]


def list_variants() -> dict[str, dict[str, InteractionEnergy]]:
    """Return variant -> metal -> interaction energy."""
    known = {(i.variant, i.metal): i for i in load_reference_documents(InteractionEnergy)}
    found: dict[str, dict[str, InteractionEnergy]] = {}
    for variant in CONVERGENCE_VARIANTS:
        for metal in ("Au", "Ag"):
            if (variant, metal) in known:
                found.setdefault(variant, {})[metal] = known[variant, metal]
    return found


def list_interactions() -> Rows:
    """Return interaction energies by variant and metal."""
    return [
        [
            variant,
            name_cluster(metal, found.cluster),
            f"{found.energy_ev:.3f}",
            number(found.counterpoise_energy_ev, ".3f"),
            short(found.key),
        ]
        for variant, metals in list_variants().items()
        for metal, found in metals.items()
    ]


def list_interaction_differences() -> Rows:
    """Return silver less gold by variant."""
    rows: Rows = []
    for variant, metals in list_variants().items():
        if {"Au", "Ag"} <= metals.keys():
            gold, silver = metals["Au"], metals["Ag"]
            corrected = ""
            if gold.counterpoise_energy_ev is not None:
                assert silver.counterpoise_energy_ev is not None
                difference = silver.counterpoise_energy_ev - gold.counterpoise_energy_ev
                corrected = f"{difference:.3f}"
            rows.append([variant, f"{silver.energy_ev - gold.energy_ev:.3f}", corrected])
    return rows


def list_lattice_constants(rows: Rows) -> Rows:
    """Return the rows with the numbers of the shipped metals; published columns stay."""
    known = {bulk.metal: bulk for bulk in load_reference_documents(BulkMetal)}
    new: Rows = []
    for metal, _, axes, _, _, measured, moment, residual, published in rows:
        bulk = known[metal]
        length = number(bulk.lattice_constant_angstrom, ".3f", bulk.lattice_constant_std_angstrom)
        modulus = number(bulk.bulk_modulus_gpa, ".0f", bulk.bulk_modulus_std_gpa)
        cohesive = number(bulk.cohesive_energy_ev_per_atom, ".2f", bulk.cohesive_std_ev_per_atom)
        rest = (measured, moment, residual, published)
        new.append([metal, length, axes, modulus, cohesive, *rest])
    return new


def list_segregation(rows: Rows) -> Rows:
    """Return the rows with the shipped energies; LMTO's stay."""
    known = {short(d.key): d for d in load_reference_documents(SegregationEnergyDocument)}
    return [
        [name, f"{known[key].energy_ev:+.2f}", number(known[key].std_ev, ".2f"), lmto, key]
        for name, _, _, lmto, key in rows
    ]


def list_mixing(rows: Rows) -> Rows:
    """Return the rows with the shipped energies and the enthalpy of both; measured ones stay."""
    known = {short(d.key): d for d in load_reference_documents(SubstitutionEnergyDocument)}
    new: Rows = []
    for one, _, other, _, _, measured, keys in rows:
        pair = [known[key.strip()] for key in keys.split(",")]
        terms = [d.beef_terms_ev for d in pair if d.beef_terms_ev is not None]
        std = None
        if len(terms) == len(pair):
            std = float(np.std(ensemble_coefficients() @ np.sum(terms, axis=0) / 7))
        both = number(sum(d.energy_ev for d in pair) / 7, "+.3f", std)
        first, second = (number(d.energy_ev, "+.3f", d.std_ev) for d in pair)
        new.append([one, first, other, second, both, measured, keys])
    return new


def list_protonation(rows: Rows) -> Rows:
    """Return the rows with the shipped energies; names of anions and sites stay."""
    known = {short(d.key): d for d in load_reference_documents(ProtonationEnergy)}
    new: Rows = []
    for anion, protons, site, *_, key in rows:
        found = known[key]
        energy = (f"{found.energy_ev:+.3f}", number(found.std_ev, ".2f"))
        length = f"{found.oh_length_angstrom:.3f}"
        new.append([anion, protons, site, *energy, length, str(found.moving), key])
    return new


def list_ions() -> Rows:
    """Return a row for each ion affinity."""
    return [
        [
            d.ligand,
            d.salt,
            d.reference_complex,
            f"{d.energy_ev:+.3f}",
            number(d.std_ev, ".2f"),
            f"{d.potential_shift_v:+.3f}",
            number(d.dispersion_ev, "+.3f"),
            str(d.contacts),
            f"{d.shortest_contact_angstrom:.2f}",
            short(d.key),
        ]
        for d in load_reference_documents(IonAffinity)
    ]


def count() -> str:
    """Return the line that says how much is shipped."""
    kinds: dict[str, type[StoredDocument]] = {
        "lattice constants and cohesive energies": BulkMetal,
        "d-bands": DBand,
        "segregation energies": SegregationEnergyDocument,
        "mixing energies": SubstitutionEnergyDocument,
        "protonation energies": ProtonationEnergy,
        "ion affinities": IonAffinity,
        "interaction energies at other levels": InteractionEnergy,
    }
    every = Counter(type(document) for document in load_every_reference_document())
    numbers = {words: every[kind] for words, kind in kinds.items()}
    parts = [f"{n} {words}" for words, n in {"affinities": len(AFFINITIES), **numbers}.items()]
    records = list(load_provenance().values())
    hours = sum(record.wall_time_s for record in records) / 3600
    parts.append(f"{len(records)} calculations with logs, {hours:.1f} hours of computing")
    codes = {name: version for r in records for name, version in sorted(r.codes.items())}
    versions = ", ".join(f"{title} {codes[name]}" for title, name in VERSIONS)
    return f"Shipped now: {', '.join(parts)}; {versions}."


#: First cells of a header -> what makes the rows of a table from its header and its old rows.
#: Two tables have the header of the first: POMs, then the ligands for comparison.
TABLES: dict[tuple[str, ...], Callable[[Row, Rows], Rows]] = {
    ("ligand", "metal", "binding"): lambda _, old: list_affinities(
        POMS if old[0][0] in POMS else OTHERS
    ),
    ("difference (eV)", "W5O18"): lambda _, __: list_differences(),
    ("cluster", "bare"): lambda header, _: list_cluster_bands(header),
    ("ligand", "Ag4 - Au4 (eV)"): lambda _, __: list_silver_against_gold(),
    ("metal", "a (angstrom)"): lambda _, old: list_lattice_constants(old),
    ("solute in host", "energy (eV)"): lambda _, old: list_segregation(old),
    ("solute in host (eV)", ""): lambda _, old: list_mixing(old),
    ("anion", "proton", "site"): lambda _, old: list_protonation(old),
    ("ligand", "salt", "taken from"): lambda _, __: list_ions(),
    ("variant", "cluster"): lambda _, __: list_interactions(),
    ("variant", "interaction (eV)"): lambda _, __: list_interaction_differences(),
    ("ligand", "model", "metal"): lambda _, __: list_models("lcao"),
    ("ligand", "model in water", "metal"): lambda _, __: list_models("lcao-water"),
    ("ligand", "model", "Ag - Au (eV)"): lambda _, __: list_differences_by_model(),
}


def read_row(line: str) -> list[str]:
    """Return the cells of a line of a table."""
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def rewrite(page: str) -> str:
    """Return a page with its tables, and the count, as the shipped data have them."""

    def renew(match: re.Match[str]) -> str:
        header_line, rule, *lines = match[0].splitlines()
        header = read_row(header_line)
        for first, make in TABLES.items():
            if tuple(header[: len(first)]) == first:
                rows = make(header, [read_row(line) for line in lines])
                lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([header_line, rule, *lines]) + "\n"

    page = re.sub(r"(?:^\|.*\n){3,}", renew, page, flags=re.MULTILINE)
    return re.sub(r"^Shipped now: .*", lambda _: count(), page, flags=re.MULTILINE)


if __name__ == "__main__":
    parser = ArgumentParser(description="Tables of the shipped data.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    for path in (DOCS / "DATASET.md", DOCS / "convergence.md"):
        old = path.read_text()
        new = rewrite(old)
        if old == new:
            continue
        if check:
            sys.exit(f"{path.name} is not what the shipped data say.")
        path.write_text(new)
        print(f"rewrote tables of {path.name}")
