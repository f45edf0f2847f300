"""`pomdft show KEY`: everything about one result, and where its raw log is."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.tree import Tree

from pomdft.cli.rendering import Format, make_console
from pomdft.errors import InputError, NotComputedError
from pomdft.schemas.affinity import SIGN_CONVENTION, Affinity
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore


def show(
    key: Annotated[str, typer.Argument(help="Key of an affinity or calculation, or its start.")],
    form: Annotated[Format, typer.Option("--format", help="table or json.")] = Format.TABLE,
) -> None:
    """Show one affinity or calculation: what, how, from what, and the path of the raw log.

    Example: pomdft show 0373fcfd
    """
    store = ResultStore(load_settings().store)
    kind, full = _find(store, key)
    if kind == "affinity":
        affinity = store.read_affinity(full)
        if form is Format.JSON:
            parts = {role: _calculation(store, k) for role, k in affinity.calculations.items()}
            typer.echo(json.dumps({**affinity.model_dump(mode="json"), "parts": parts}, indent=1))
        else:
            make_console().print(_affinity_tree(store, affinity), soft_wrap=True)
        return
    data = _calculation(store, full)
    if form is Format.JSON:
        typer.echo(json.dumps(data, indent=1))
    else:
        tree = Tree(f"calculation {full}")
        for name, value in data.items():
            tree.add(f"{name}: {_short(value)}")
        make_console().print(tree, soft_wrap=True)


def _find(store: ResultStore, prefix: str) -> tuple[str, str]:
    if not prefix or any(c not in "0123456789abcdef" for c in prefix):
        raise InputError(f"{prefix!r} is not a key (hexadecimal digits).", "See pomdft affinities.")
    found: list[tuple[str, str]] = []
    if store.root.exists():
        found = store.index.find_keys(prefix)
        begun = [("calculation", k) for k in store.calculation_keys() if k.startswith(prefix)]
        found += [entry for entry in begun if entry not in found]
    if not found:
        raise NotComputedError(
            f"No result with key {prefix} in {store.root}.", "See pomdft affinities and status."
        )
    if len(found) > 1:
        listed = ", ".join(f"{k} ({kind})" for kind, k in found[:6])
        raise InputError(f"{prefix} fits several keys: {listed}.", "Give more digits.")
    return found[0]


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
        "label": request.model.label,
        "state": "failed" if failure and not result else state,
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
        "folder": str(folder),
        "log": str(log) if log.exists() else None,
        "earlier_logs": [path for path in logs if path != str(log)],
    }
    if result is not None:
        data |= {
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
    if failure is not None and result is None:
        data["failure"] = failure.message
    return data


def _affinity_tree(store: ResultStore, affinity: Affinity) -> Tree:
    tree = Tree(f"affinity {affinity.key}: {affinity.model.title}")
    tree.add(f"orientation: {affinity.model.orientation}")
    tree.add(f"level: {affinity.level.title}: {affinity.level.description}")
    energies = tree.add(f"energies in eV ({SIGN_CONVENTION})")
    for name in (
        "energy_ev",
        "std_ev",
        "counterpoise_correction_ev",
        "interaction_energy_ev",
        "reorganisation_ligand_ev",
        "reorganisation_metal_ev",
        "dispersion_ev",
        "per_contact_ev",
    ):
        value = getattr(affinity, name)
        text = "not computed" if value is None else f"{value:+.4f}"
        energies.add(f"{name}: {text}")
    tree.add(f"metal-ligand contacts: {affinity.contacts}")
    parts = tree.add("calculations")
    for role, key in affinity.calculations.items():
        try:
            data = _calculation(store, key)
        except NotComputedError:
            parts.add(f"{role}: {key} (not in this store)")
            continue
        branch = parts.add(f"{role}: {data['label']}")
        branch.add(f"key: {key}")
        branch.add(f"energy_ev: {data.get('energy_ev'):.6f}")
        if data.get("dispersion_energy_ev") is not None:
            branch.add(f"of which D4 dispersion: {data['dispersion_energy_ev']:.6f}")
        branch.add(f"log: {data['log']}")
    return tree


def _short(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)
