"""Names of polyoxometalates and what builds each; users add their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from platformdirs import user_data_path
from pymatgen.core import Molecule

from pomdft.errors import InputError, UnknownNameError
from pomdft.structures import dawson, keggin, lindqvist
from pomdft.structures.geometry import Framework
from pomdft.structures.symmetry import point_group
from pomdft.structures.user_poms import (
    check_anion_charge,
    check_name,
    from_document,
    molecule_to_framework,
    read_anion,
    to_document,
)


@dataclass(frozen=True)
class PomDefinition:
    """A polyoxometalate that can be built by name.

    Attributes
    ----------
    name : str
        Isomer prefix and formula, e.g. ``A-alpha-SiW9O34``.
    family : str
        ``Keggin``, ``Dawson``, ``Lindqvist``, ``ring`` or ``user``.
    charge : int
        Of the bare anion, in units of e.
    point_group : str
        Schoenflies symbol of the bare idealised anion.
    build : callable
        Returns the bare framework.
    synonyms : tuple of str
    spin_multiplicity : int
        2S+1 of the bare anion; protons and cations bring no electrons, so of every charge model.
    """

    name: str
    family: str
    charge: int
    point_group: str
    build: Callable[[], Framework] = field(repr=False)
    synonyms: tuple[str, ...] = ()
    spin_multiplicity: int = 1


_BUILTIN: Final[dict[str, PomDefinition]] = {}
_USER: dict[str, PomDefinition] = {}


def _define(definition: PomDefinition) -> None:
    _BUILTIN[definition.name] = definition


def _define_keggin(heteroatom: str, state: int, addendum: str) -> None:
    x, m = heteroatom, addendum
    # Charge: heteroatom state + 6 per addendum - 2 per oxygen.
    for pattern, n_m, n_o, group, build in (
        ("alpha-{x}{m}12O40", 12, 40, "Td", keggin.build_alpha),
        ("alpha-{x}{m}11O39", 11, 39, "Cs", keggin.build_alpha_monolacunary),
        ("A-alpha-{x}{m}9O34", 9, 34, "C3v", keggin.build_a_trilacunary),
        ("B-alpha-{x}{m}9O34", 9, 34, "C3v", keggin.build_b_trilacunary),
        ("gamma-{x}{m}12O40", 12, 40, "C2v", keggin.build_gamma),
        ("gamma-{x}{m}10O36", 10, 36, "C2v", keggin.build_gamma_dilacunary),
    ):
        name = pattern.format(x=x, m=m)
        bare = name.replace("alpha-", "") if name.startswith("alpha") else ""
        _define(
            PomDefinition(
                name,
                "Keggin",
                state + 6 * n_m - 2 * n_o,
                group,
                partial(build, x, m),
                (bare,) if bare else (),
            )
        )


for _x, _state in (("Si", 4), ("P", 5), ("Ge", 4), ("B", 3), ("As", 5)):
    for _m in ("W", "Mo"):
        _define_keggin(_x, _state, _m)
for _m in ("W", "Mo"):
    _define(
        PomDefinition(f"{_m}6O19", "Lindqvist", -2, "Oh", partial(lindqvist.build_lindqvist, _m))
    )
    _define(
        PomDefinition(
            f"{_m}5O18",
            "Lindqvist",
            -6,
            "C4v",
            partial(lindqvist.build_monolacunary_lindqvist, _m),
        )
    )
for _x, _state in (("P", 5), ("As", 5)):
    for _m in ("W", "Mo"):
        for _pattern, _n_m, _n_o, _group, _build in (
            ("{x}2{m}18O62", 18, 62, "D3h", dawson.build_dawson),
            ("alpha2-{x}2{m}17O61", 17, 61, "Cs", dawson.build_alpha2_monolacunary),
            ("alpha1-{x}2{m}17O61", 17, 61, "C1", dawson.build_alpha1_monolacunary),
            ("{x}2{m}15O56", 15, 56, "C3v", dawson.build_trilacunary),
        ):
            _name = _pattern.format(x=_x, m=_m)
            _bare = _name.removeprefix("alpha2-")
            _define(
                PomDefinition(
                    _name,
                    "Dawson",
                    2 * _state + 6 * _n_m - 2 * _n_o,
                    _group,
                    partial(_build, _x, _m),
                    (f"alpha-{_name}",) if _bare == _name else (_bare,),
                )
            )
_define(
    PomDefinition(
        "P2W12O48",
        "Dawson",
        -14,
        "C2v",
        partial(dawson.build_hexalacunary, "P", "W"),
        ("alpha-P2W12O48",),
    )
)
_define(PomDefinition("P8W48O184", "ring", -40, "D4h", partial(dawson.build_ring, "P", "W")))


def register_pom(
    name: str,
    source: str | Path | Molecule,
    charge: int | None = None,
    *,
    spin_multiplicity: int | None = None,
    keep: bool = False,
) -> PomDefinition:
    """Add a polyoxometalate of one's own; afterwards every builder knows its name.

    Parameters
    ----------
    name : str
        New name.
    source : path or pymatgen Molecule
        xyz, extxyz or CIF file, or a molecule, that holds the anion (cations, water and hydrogen
        are left out).
    charge : int, optional
        Of the bare anion without hydrogen; by default from formal oxidation states.
    spin_multiplicity : int, optional
        2S+1 of the bare anion, for a reduced or magnetic one; by default 1.
    keep : bool
        Also keep it for later sessions, in `user_pom_folder`.

    Returns
    -------
    PomDefinition

    Raises
    ------
    InputError
        Name taken by a built-in POM or unusable, or unreadable file.
    StructureError
        Disorder, overlap, too many atoms, NaN, or no POM in the file.
    ChargeError
        If the charge can be neither read nor deduced, or leaves an odd number of electrons and no
        multiplicity says so.
    """
    check_name(name)
    if name in _BUILTIN:
        raise InputError(f"name: {name!r} is a built-in POM.", "Choose another name.")
    anion = molecule_to_framework(source) if isinstance(source, Molecule) else read_anion(source)
    total, multiplicity = check_anion_charge(anion, charge, spin_multiplicity)
    definition = _define_user(name, anion, total, multiplicity)
    if keep:
        folder = user_pom_folder()
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(to_document(name, anion, total, multiplicity))
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return definition


def _define_user(name: str, anion: Framework, charge: int, spin_multiplicity: int) -> PomDefinition:
    group = point_group(anion.symbols, anion.positions)
    definition = PomDefinition(
        name, "user", charge, group, lambda: anion, spin_multiplicity=spin_multiplicity
    )
    _USER[name] = definition
    return definition


def user_pom_folder() -> Path:
    """Return the folder in which POMs added with ``keep=True`` are found again."""
    return user_data_path("pomdft") / "poms"


def _find_kept(name: str) -> PomDefinition | None:
    path = user_pom_folder() / f"{name}.json"
    try:
        check_name(name)
        if not path.is_file():
            return None
    except (InputError, OSError):
        return None
    kept, anion, charge, multiplicity = from_document(path.read_text("utf-8"), str(path))
    return _define_user(kept, anion, charge, multiplicity) if kept == name else None


def list_poms() -> list[str]:
    """Return the names of all POMs that can be built, built-in first."""
    folder = user_pom_folder()
    kept = sorted(p.stem for p in folder.glob("*.json")) if folder.is_dir() else []
    return [*_BUILTIN, *dict.fromkeys([*_USER, *kept])]


def list_synonyms() -> dict[str, str]:
    """Return other names of built-in POMs, each with the name it stands for."""
    return {s: d.name for d in _BUILTIN.values() for s in d.synonyms}


def find_definition(name: str) -> PomDefinition:
    """Return the definition of a POM.

    Parameters
    ----------
    name : str
        As in `list_poms`, or a synonym.

    Returns
    -------
    PomDefinition

    Raises
    ------
    UnknownNameError
        With the near names.
    """
    name = str(name)
    if name in _BUILTIN:
        return _BUILTIN[name]
    if name in _USER:
        return _USER[name]
    if name in list_synonyms():
        return _BUILTIN[list_synonyms()[name]]
    kept = _find_kept(name)
    if kept is not None:
        return kept
    raise UnknownNameError("POM", name, list_poms(), list_synonyms())
