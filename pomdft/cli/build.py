"""`pomdft build`: build a POM, ligand, cluster or complex, look at it, write it to a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from pymatgen.core import Molecule, Structure

from pomdft.cli.rendering import Format, print_rows
from pomdft.errors import InputError

_COLUMNS = ("number", "name", "formula", "charge", "multiplicity", "orientation", "contacts")
_MORE_COLUMNS = ("contact_score", "relative_energy_ev")


def build(
    ligand: Annotated[
        str | None,
        typer.Argument(help="POM or ligand, e.g. A-alpha-SiW9O34 or PVP; bare for none."),
    ] = None,
    metal: Annotated[
        str | None,
        typer.Argument(help="Metal to dock, e.g. Au, or an alloy such as Au0.5Pd0.5."),
    ] = None,
    *,
    cluster: Annotated[
        str, typer.Option(help="M1, M4, M4-rhombus, M13, M13-cuboctahedron, M38 or M55.")
    ] = "M4",
    site: Annotated[
        str,
        typer.Option(help="vacancy, terminal-face, bridging-face or edge; add :2 for the second."),
    ] = "vacancy",
    charge_model: Annotated[
        str, typer.Option(help="protonated, alkali, solvated, or none for the bare anion.")
    ] = "protonated",
    cation: Annotated[str, typer.Option(help="Li, Na, K, Rb or Cs, for alkali.")] = "Na",
    n_cations: Annotated[
        int | None, typer.Option("--cations", help="How many, for solvated.")
    ] = None,
    metal_charge: Annotated[int, typer.Option(help="Charge of the metal, e.g. 1 for Ag+.")] = 0,
    multiplicity: Annotated[
        int | None,
        typer.Option(help="Spin 2S+1 of the complex; with --from, of the bare anion in the file."),
    ] = None,
    proton_patterns: Annotated[
        int | None, typer.Option(help="Compare this many proton patterns of a POM by xTB.")
    ] = None,
    facet: Annotated[
        str | None, typer.Option(help="Dock on a periodic slab of this facet, e.g. 111.")
    ] = None,
    support: Annotated[str | None, typer.Option(help="graphene: a patch over the metal.")] = None,
    n_best: Annotated[int, typer.Option("--best", help="Keep this many poses.")] = 6,
    seed: Annotated[int, typer.Option(help="Of an alloy's site assignment.")] = 0,
    xtb: Annotated[
        bool, typer.Option("--xtb", help="Relax with xTB and rank by its energy.")
    ] = False,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", help="Take the POM from this xyz or CIF file, under LIGAND's name."),
    ] = None,
    charge: Annotated[
        int | None, typer.Option(help="Charge of the bare anion in --from's file.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Remember the POM of --from for later.")
    ] = False,
    view: Annotated[
        bool, typer.Option("--view", help="Write NAME.html, a page to look at the structures.")
    ] = False,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="Write .xyz, .extxyz, .cif, .db or .html; repeatable."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
) -> None:
    """Build a polyoxometalate, a ligand or their complexes with a metal; without a name, list all.

    Example: pomdft build A-alpha-SiW9O34 Au --cluster M13 --view -o siw9-au13.xyz
    """
    from pomdft.structures.ligands import list_ligands
    from pomdft.structures.registry import list_poms, register_pom
    from pomdft.structures.supports import SUPPORTS

    if ligand is None:
        if from_file is not None:
            raise InputError("LIGAND: --from needs a name for the POM.", "Give it first.")
        rows = [{"name": n, "kind": "polyoxometalate"} for n in list_poms()]
        rows += [{"name": n, "kind": "conventional ligand"} for n in list_ligands()]
        rows += [{"name": n, "kind": "support"} for n in SUPPORTS]
        print_rows(rows, ("name", "kind"), form)
        return
    if from_file is not None:
        register_pom(ligand, from_file, charge, spin_multiplicity=multiplicity, keep=keep)
        multiplicity = None
    elif charge is not None or keep:
        raise InputError("--charge and --keep go with --from FILE.", "Give the file, or drop them.")
    model = None if charge_model == "none" else charge_model
    if proton_patterns is not None:
        structures = _compare_patterns(ligand, metal, model, proton_patterns)
    else:
        structures = _build(
            ligand,
            metal,
            facet,
            {
                "site": site,
                "charge_model": model,
                "cation": cation,
                "n_cations": n_cations,
                "n_best": n_best,
            },
            {
                "cluster": cluster,
                "metal_charge": metal_charge,
                "spin_multiplicity": multiplicity,
                "support": support,
                "seed": seed,
            },
        )
    if xtb:
        structures = _relax(structures)
    rows = [_row(k, s) for k, s in enumerate(structures, 1)]
    more = tuple(c for c in _MORE_COLUMNS if any(r[c] is not None for r in rows))
    columns = _COLUMNS if metal is not None else tuple(c for c in _COLUMNS if c not in _POSE)
    print_rows(rows, (*columns, *more), form, caption=_caption(structures[0]))
    paths = list(output or [])
    if view:
        name = re.sub(r"[^A-Za-z0-9._+-]", "-", str(structures[0].properties["name"]))
        paths.append(Path(f"{name}.html"))
    for path in paths:
        _write(structures, path)
        typer.echo(f"written: {path}", err=True)


_POSE = ("orientation", "contacts")
#: Stands for no ligand: a bare cluster or slab.
_BARE = "bare"


def _build(
    ligand: str,
    metal: str | None,
    facet: str | None,
    shared: dict[str, Any],
    particle: dict[str, Any],
) -> list[Molecule | Structure]:
    from pomdft.structures.docking import build_complexes
    from pomdft.structures.ligands import build_ligand, is_conventional
    from pomdft.structures.poms import build_pom
    from pomdft.structures.slabs import build_slab_complexes

    if ligand == _BARE:
        return [_build_bare(metal, facet, particle)]
    if metal is None:
        if particle["spin_multiplicity"] is not None:
            raise InputError("--multiplicity goes with a metal or --from.", "Drop it.")
        if facet is not None or particle["support"] is not None:
            raise InputError("METAL: --facet and --support need a metal.", "Name one, e.g. Au.")
        maker = build_ligand if is_conventional(ligand) else build_pom
        return [
            maker(
                ligand,
                shared["charge_model"],
                cation=shared["cation"],
                n_cations=shared["n_cations"],
            )
        ]
    composition = parse_composition(metal)
    if facet is None:
        return list(build_complexes(ligand, composition, **shared, **particle))
    molecular = ("support", "metal_charge", "spin_multiplicity")
    if not isinstance(composition, str) or any(particle[name] for name in molecular):
        raise InputError(
            "--facet: a slab is of one neutral metal, without support or multiplicity."
        )
    return list(build_slab_complexes(ligand, composition, facet, **shared))


def _compare_patterns(
    ligand: str, metal: str | None, charge_model: str | None, n_best: int
) -> list[Molecule | Structure]:
    """Return the proton patterns that xTB finds lowest."""
    from pomdft.structures.ligands import is_conventional
    from pomdft.structures.ranking import find_proton_patterns

    if metal is not None or is_conventional(ligand) or charge_model != "protonated":
        raise InputError(
            "--proton-patterns compares protonated POMs without a metal.",
            "Leave the metal out, or drop the option.",
        )
    return list(find_proton_patterns(ligand, n_best, n_candidates=max(8, 2 * n_best)))


def _build_bare(
    metal: str | None, facet: str | None, particle: dict[str, Any]
) -> Molecule | Structure:
    from pomdft.structures.clusters import build_cluster
    from pomdft.structures.slabs import build_slab
    from pomdft.structures.supports import add_named_support

    if metal is None:
        raise InputError(f"METAL: {_BARE!r} needs a metal.", f"Write e.g. {_BARE} Au.")
    composition = parse_composition(metal)
    if facet is not None:
        if not isinstance(composition, str):
            raise InputError("--facet: a slab is of one metal.")
        return build_slab(composition, facet)
    cluster = build_cluster(
        composition,
        particle["cluster"],
        charge=particle["metal_charge"],
        spin_multiplicity=particle["spin_multiplicity"],
        seed=particle["seed"],
    )
    return add_named_support(cluster, particle["support"])


def parse_composition(metal: str) -> str | dict[str, float]:
    """Return an element, or the fractions of an alloy such as ``Au0.25Pd0.75`` or ``Au1Pd3``.

    Raises
    ------
    InputError
        If the text is neither.
    """
    if re.fullmatch(r"[A-Z][a-z]?", metal):
        return metal
    parts = re.findall(r"([A-Z][a-z]?)([0-9]*\.?[0-9]+)", metal)
    if not parts or "".join(a + b for a, b in parts) != metal:
        raise InputError(
            f"METAL: {metal!r} is neither an element nor an alloy.", "Write Au, or Au0.5Pd0.5."
        )
    amounts = {element: float(amount) for element, amount in parts}
    total = sum(amounts.values())
    if len(amounts) != len(parts) or total <= 0:
        raise InputError(f"METAL: {metal!r} names an element twice or no amount.")
    return {element: amount / total for element, amount in amounts.items()}


def _relax(structures: list[Molecule | Structure]) -> list[Molecule | Structure]:
    from pomdft.structures.ranking import rank_by_xtb

    if any(isinstance(s, Structure) for s in structures):
        raise InputError("--xtb: slabs are not relaxed with xTB.", "Drop --xtb or --facet.")
    return list(rank_by_xtb(structures, fmax_ev_per_angstrom=0.1, max_steps=200))


def _row(number: int, structure: Molecule | Structure) -> dict[str, Any]:
    properties = structure.properties
    return {
        "number": number,
        "name": properties["name"],
        "formula": structure.composition.formula,
        "charge": int(structure.charge),
        "multiplicity": getattr(structure, "spin_multiplicity", None),
        "orientation": properties.get("orientation"),
        "contacts": properties.get("contacts"),
        "contact_score": properties.get("contact_score"),
        "relative_energy_ev": properties.get("relative_energy_ev"),
    }


def _caption(structure: Molecule | Structure) -> str:
    properties = structure.properties
    if "charge_arithmetic" not in properties:
        return f"charge: {structure.charge:+g}"
    text = f"charge: {properties['charge_arithmetic']}"
    vacancy = properties.get("vacancy")
    if vacancy:
        text += f"; vacancy opening {vacancy['opening_angstrom']:.2f} angstrom"
    return text


def _write(structures: list[Molecule | Structure], path: Path) -> None:
    from pomdft.structures.export import write_structures
    from pomdft.structures.view import write_view

    if path.suffix.lower() in (".html", ".htm"):
        write_view(structures, path, str(structures[0].properties["name"]))
    else:
        write_structures(structures, path)
