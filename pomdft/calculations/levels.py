"""Levels of theory: presets, overrides, and the names of all parameters they may set."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from pydantic import ValidationError

from pomdft.calculations.dispersion import d4_functionals
from pomdft.errors import InputError, UnknownNameError
from pomdft.schemas.level import Level, RelaxationSettings

#: Parameters of GPAW that the model or the launcher sets, so that a level may not.
_RESERVED = ("charge", "txt", "magmoms", "communicator", "world")
#: What GPAW 26.7 takes, for machines where it is not installed (a login node, a laptop).
_GPAW_PARAMETERS = (
    "basis",
    "convergence",
    "eigensolver",
    "experimental",
    "extensions",
    "gpts",
    "h",
    "hund",
    "interpolation",
    "kpts",
    "legacy_gpaw",
    "maxiter",
    "mixer",
    "mode",
    "nbands",
    "occupations",
    "parallel",
    "poissonsolver",
    "random",
    "setups",
    "soc",
    "spinpol",
    "symmetry",
    "xc",
)
#: The first key of these nested parameters that may be set.
_NESTED: dict[str, tuple[str, ...]] = {
    "convergence": (
        "bands",
        "density",
        "eigenstates",
        "energy",
        "forces",
        "maximum iterations",
        "minimum iterations",
        "work function",
    ),
    "occupations": ("fix_fermi_level", "fixmagmom", "name", "order", "width"),
    "mixer": ("backend", "beta", "method", "name", "nmaxold", "weight"),
}
_TBLITE_PARAMETERS = (
    "accuracy",
    "electronic_temperature",
    "initial_guess",
    "max_iterations",
    "method",
    "mixer_damping",
    "mixer_memory",
)
_MODES = ("fd", "lcao", "pw")
_EMT_PARAMETERS = ("asap_cutoff",)


@lru_cache(maxsize=1)
def preset_names() -> tuple[str, ...]:
    """Return the names of the shipped presets."""
    folder = resources.files("pomdft.calculations") / "presets"
    return tuple(
        sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))
    )


@lru_cache(maxsize=1)
def gpaw_parameter_names() -> tuple[str, ...]:
    """Return the parameters a level may set: those of the installed GPAW, else of GPAW 26.7."""
    try:
        from gpaw.dft import Parameters
    except ImportError:
        return _GPAW_PARAMETERS
    names = set(inspect.signature(Parameters.__init__).parameters) - {"self", "external"}
    return tuple(sorted((names | {"legacy_gpaw"}) - set(_RESERVED)))


def load_level(name: str = "lcao", overrides: Mapping[str, Any] | None = None) -> Level:
    """Return a preset level, with the user's changes.

    Parameters
    ----------
    name : str
        A preset, see `preset_names`: "xtb", "lcao", "lcao-water", "fd", "pw" ...
    overrides : mapping, optional
        Fields of `Level` to change; `parameters` and `relaxation` are merged key by key, a value
        None in `parameters` removes the key. `name` gives the changed level a name of its own.

    Returns
    -------
    Level

    Raises
    ------
    UnknownNameError
        No such preset, field or parameter; the near names are listed.
    InputError
        A value does not fit.
    """
    if name not in preset_names():
        raise UnknownNameError("level", name, preset_names())
    data = _read_preset(name)
    if overrides:
        data = _merge(data, overrides)
        if "name" not in overrides:
            data["name"] = f"{name}-changed"
    try:
        level = Level.model_validate(data)
    except ValidationError as error:
        raise _level_error(error) from None
    check_parameters(level)
    return level


def _read_preset(name: str) -> dict[str, Any]:
    """Return the fields of a preset; one with a `base` changes fields of that other preset."""
    path = resources.files("pomdft.calculations") / "presets" / f"{name}.yaml"
    data: dict[str, Any] = {"name": name, **yaml.safe_load(path.read_text())}
    base = data.pop("base", None)
    return data if base is None else _merge(_read_preset(base), data)


def check_parameters(level: Level) -> None:
    """Check that every parameter of a level exists.

    Raises
    ------
    UnknownNameError
        One does not; the near names are listed.
    InputError
        One is set by pomdft itself.
    """
    known = {
        "gpaw": gpaw_parameter_names(),
        "tblite": _TBLITE_PARAMETERS,
        "emt": _EMT_PARAMETERS,
    }[level.method]
    for name, value in level.parameters.items():
        if level.method == "gpaw" and name in _RESERVED:
            raise InputError(
                f"level.parameters.{name} is set by pomdft from the model.", "Remove it."
            )
        if name not in known:
            raise UnknownNameError(f"{level.method} parameter", name, known)
        if name in _NESTED and isinstance(value, Mapping):
            for nested in value:
                if nested not in _NESTED[name]:
                    raise UnknownNameError(f"key of {name}", str(nested), _NESTED[name])
    if level.method == "gpaw":
        _check_gpaw_values(level)


def _check_gpaw_values(level: Level) -> None:
    """Check what GPAW would only complain of after it has been started."""
    parameters = level.parameters
    if "mode" not in parameters:
        raise InputError("level.parameters.mode is missing.", "Give lcao, fd or pw.")
    mode = parameters["mode"]
    mode = mode.get("name") if isinstance(mode, Mapping) else mode
    if mode not in _MODES:
        raise UnknownNameError("level.parameters.mode", str(mode), _MODES)
    for name, kinds, words in (
        ("h", (int, float), "a grid spacing in angstrom"),
        ("maxiter", (int,), "a number of SCF iterations"),
    ):
        value = parameters.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < math.inf:
            raise InputError(
                f"level.parameters.{name} is {value!r}.", f"Give {words}, larger than zero."
            )
    if level.solvent is not None and mode == "pw":
        raise InputError(
            "level.parameters.mode is pw, but continuum solvents need a grid.",
            "Give lcao or fd, or set solvent: null.",
        )
    xc = parameters.get("xc", "LDA")
    if not isinstance(xc, str | Mapping):
        raise InputError(f"level.parameters.xc is {xc!r}.", "Give the name of a functional.")
    if level.dispersion is not None and xc not in d4_functionals():
        raise InputError(
            f"level.dispersion is {level.dispersion}, but there are no D4 parameters for xc={xc!r} "
            f"(there are for {', '.join(d4_functionals())}).",
            "Set dispersion: null, or another xc.",
        )


def _merge(data: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    fields = set(Level.model_fields) - {"schema_version"}
    merged = dict(data)
    for field, value in overrides.items():
        if field not in fields:
            raise UnknownNameError("level field", str(field), fields)
        if field in ("parameters", "relaxation"):
            if not isinstance(value, Mapping):
                raise InputError(
                    f"level.{field} is {value!r}.", "Give a mapping of names to values."
                )
            if field == "relaxation":
                names = set(RelaxationSettings.model_fields) - {"schema_version"}
                for key in value:
                    if key not in names:
                        raise UnknownNameError("relaxation setting", str(key), names)
            both = {**merged.get(field, {}), **value}
            merged[field] = {k: v for k, v in both.items() if v is not None}
        else:
            merged[field] = value
    return merged


def _level_error(error: ValidationError) -> InputError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return InputError(f"level.{where}: {first['msg']} (got {first['input']!r}).", "Correct it.")
