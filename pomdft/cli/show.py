"""`pomdft show KEY`: everything about one result, and where its raw log is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.tree import Tree

from pomdft.cli.recomputation import find_command
from pomdft.cli.rendering import Format, make_console
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction.queries import find_affinities
from pomdft.schemas import affinity as affinity_schema
from pomdft.schemas import dband, interaction, ion_affinity, protonation, segregation
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.settings import load_settings
from pomdft.store.catalogue import Entry, find_entries, read_document
from pomdft.store.documents import StoredDocument
from pomdft.store.reference import load_provenance, read_archived
from pomdft.store.results import ResultStore
from pomdft.store.solution import load_ion_affinities

D = TypeVar("D", bound="StoredDocument | Affinity")

_CONVENTIONS = {
    "affinity": affinity_schema.SIGN_CONVENTION,
    "d_band": dband.ENERGY_CONVENTION,
    "segregation": segregation.SIGN_CONVENTION,
    "substitution": "energy in eV to dissolve a solute atom; negative = mixes",
    "ion_affinity": ion_affinity.SIGN_CONVENTION,
    "protonation": protonation.SIGN_CONVENTION,
    "interaction": interaction.SIGN_CONVENTION,
}
#: Shown in lines of their own, or of no use to a reader.
_ELSEWHERE = {
    *("key", "level", "calculations", "source", "schema_version", "model", "beef_terms_ev"),
}


def show(
    key: Annotated[str, typer.Argument(help="Key of a result or calculation, or its start.")],
    form: Annotated[Format, typer.Option("--format", help="table or json.")] = Format.TABLE,
) -> None:
    """Show one result or calculation: what, how, from what, its raw log, how to compute it again.

    Results are affinities, d-bands, lattice constants, segregation energies and the others that
    have a key, of your own store or shipped with the package.

    Example: pomdft show 0373fcfd
    """
    store = ResultStore(load_settings().store)
    entry = _find(store, key)
    if entry.kind != "calculation":
        document = _as_answered(read_document(store, entry))
        if form is Format.JSON:
            parts = {role: _describe(store, k) for role, k in document.calculations.items()}
            data = {**document.model_dump(mode="json"), "parts": parts}
            typer.echo(json.dumps({**data, "command": find_command(document)}, indent=1))
        else:
            # Brackets in labels are names of poses, not markup.
            tree = _document_tree(store, entry, document)
            make_console().print(tree, soft_wrap=True, markup=False)
        return
    data = _describe(store, entry.key)
    if form is Format.JSON:
        typer.echo(json.dumps(data, indent=1))
    else:
        tree = Tree(f"calculation {entry.key}")
        for name, value in data.items():
            tree.add(f"{name}: {_short(value)}")
        make_console().print(tree, soft_wrap=True, markup=False)


def _as_answered(document: D) -> D:
    """Return a document as queries give it: an own energy with what is shipped of its minimum."""
    known: Sequence[object] = ()
    if isinstance(document, Affinity) and document.std_ev is None:
        known = find_affinities(ligand=document.ligand, metal=document.metal)
    elif isinstance(document, IonAffinity) and document.std_ev is None:
        known = load_ion_affinities(document.ligand, document.metal)
    same = (found for found in known if isinstance(found, type(document)))
    return next((found for found in same if found.key == document.key), document)


def _find(store: ResultStore, prefix: str) -> Entry:
    if not prefix or any(c not in "0123456789abcdef" for c in prefix):
        raise InputError(f"{prefix!r} is not a key (hexadecimal digits).", "See pomdft affinities.")
    found = find_entries(store, prefix)
    if not found:
        raise NotComputedError(
            f"No result with key {prefix} in {store.root} or in the shipped data.",
            "See pomdft affinities and status.",
        )
    if len(found) > 1:
        listed = ", ".join(f"{entry.key} ({entry.kind})" for entry in found[:6])
        raise InputError(f"{prefix} fits several keys: {listed}.", "Give more digits.")
    return found[0]


def _describe(store: ResultStore, key: str) -> dict[str, Any]:
    """Return what is known of a calculation, of the store's own or of a shipped one."""
    if (store.folder(key) / "input.json").exists() or key not in load_provenance():
        return _calculation(store, key)
    archived = read_archived(key)
    return {
        "key": key,
        "state": "finished, shipped with the package",
        **_input_fields(archived.request),
        "log": f"pomdft logs {key}",
        **_result_fields(archived.result),
    }


def _calculation(store: ResultStore, key: str) -> dict[str, Any]:
    folder = store.folder(key)
    request = store.read_input(key)
    result = store.find_result(key)
    failure = store.find_failure(key)
    logs = sorted(str(p) for p in folder.glob("gpaw*.txt"))
    log = folder / "gpaw.txt"
    state = "finished" if result else "running" if store.is_running(key) else "unfinished"
    data: dict[str, Any] = {
        "key": key,
        "state": "failed" if failure and not result else state,
        **_input_fields(request),
        "folder": str(folder),
        "log": str(log) if log.exists() else None,
        "earlier_logs": [path for path in logs if path != str(log)],
    }
    if result is not None:
        data |= _result_fields(result)
    if failure is not None and result is None:
        data["failure"] = failure.message
    return data


def _input_fields(request: CalculationInput) -> dict[str, Any]:
    return {
        "label": request.model.label,
        "task": request.task,
        "formula": request.model.formula,
        "charge": request.model.charge,
        "n_atoms": len(request.model.symbols),
        "n_electrons": request.model.electron_count,
        "ghost_atoms": len(request.model.ghosts),
        "level": request.level.title,
        "level_parameters": request.level.parameters,
        "dispersion": request.level.dispersion,
        "codes": request.codes,
    }


def _result_fields(result: CalculationResult) -> dict[str, Any]:
    return {
        "energy_ev": result.energy_ev,
        "dispersion_energy_ev": result.dispersion_energy_ev,
        "max_force_ev_per_angstrom": result.max_force_ev_per_angstrom,
        "magnetic_moment_bohr_magneton": result.magnetic_moment_bohr_magneton,
        "n_steps": result.n_steps,
        "recovery": [step.model_dump(mode="json") for step in result.recovery],
        "wall_time_s": result.wall_time_s,
        "n_ranks": result.n_ranks,
        "finished": result.finished.isoformat(),
    }


def _document_tree(store: ResultStore, entry: Entry, document: Affinity | StoredDocument) -> Tree:
    name = entry.kind.replace("_", " ")
    title = f": {document.model.title}" if isinstance(document, Affinity) else ""
    tree = Tree(f"{name} {entry.key}{title}")
    tree.add("source: " + ("shipped with the package" if entry.shipped else str(store.root)))
    tree.add(f"level: {document.level.title}: {document.level.description}")
    convention = _CONVENTIONS.get(entry.kind)
    numbers = tree if convention is None else tree.add(convention)
    if isinstance(document, Affinity):
        tree.add(f"orientation: {document.model.orientation}")
    for field in type(document).model_fields:
        if field in _ELSEWHERE:
            continue
        value = getattr(document, field)
        if field == "sites" and isinstance(document, dband.DBand):
            numbers.add("sites").add(document.to_dataframe().to_string(index=False))
            continue
        energy = "_ev" in field or field.endswith("_v")
        if value is None and not energy:
            continue
        (numbers if energy else tree).add(f"{field}: {_short(value)}")
    command = find_command(document)
    tree.add(
        f"computed again by: {command}"
        if command
        else "computed again by: a study that asks for it, no single command"
    )
    parts = tree.add("calculations")
    for role, key in document.calculations.items():
        try:
            data = _describe(store, key)
        except NotComputedError:
            parts.add(f"{role}: {key} (not in this store)")
            continue
        branch = parts.add(f"{role}: {data['label']}")
        branch.add(f"key: {key}")
        if data.get("energy_ev") is not None:
            branch.add(f"energy_ev: {data['energy_ev']:.6f}")
        if data.get("dispersion_energy_ev") is not None:
            branch.add(f"of which dispersion: {data['dispersion_energy_ev']:.6f}")
        branch.add(f"log: {data['log']}")
    return tree


def _short(value: Any) -> str:
    if value is None:
        return "not computed"
    return f"{value:.6f}" if isinstance(value, float) else str(value)
