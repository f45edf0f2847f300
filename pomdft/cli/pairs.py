"""What the prediction commands share: ratios, affinities by hand or from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from pomdft.errors import InputError
from pomdft.prediction.reduction import CoReduction

ChargeModel = Annotated[
    str | None,
    typer.Option(
        help="Of what is computed: how the ligand's charge is compensated; default: by "
        "protons where those are known."
    ),
]

#: Names that mean the bare particle.
NO_LIGAND = ("none", "bare")


def parse_ratio(text: str | None, fraction: float | None) -> float:
    """Return the fraction of the second metal from a ratio such as 1:3, or from a fraction.

    Raises
    ------
    InputError
        Both are given, or the ratio is not two positive numbers.
    """
    if text is None:
        return 0.5 if fraction is None else fraction
    if fraction is not None:
        raise InputError("--ratio and --fraction say the same thing.", "Give one of them.")
    parts = text.split(":")
    try:
        first, second = (float(part) for part in parts)
    except ValueError:
        raise InputError(f"--ratio {text!r} is not like 1:3.", "Give first:second.") from None
    if not (0.0 <= first < 1e9 and 0.0 <= second < 1e9 and first + second > 0.0):
        raise InputError(f"--ratio {text!r} must have two positive numbers.")
    return second / (first + second)


def parse_assignments(items: Sequence[str]) -> list[tuple[str, str]]:
    """Split items such as Au=-1.5 at the first equals sign.

    Raises
    ------
    InputError
        An item has no name or no value.
    """
    found = []
    for item in items:
        name, _, value = item.partition("=")
        if not (name.strip() and value.strip()):
            raise InputError(f"{item!r} is not like Au=VALUE.", "Give METAL=VALUE.")
        found.append((name.strip(), value.strip()))
    return found


def read_synthesis(
    reductant: str, ion_affinities: Sequence[str], salts: Sequence[str]
) -> CoReduction:
    """Return how two salts are reduced together, from the options of a command.

    Raises
    ------
    InputError
        An option is not of its form, or a name is not known.
    """
    ions = parse_affinities(ion_affinities, option="--ion-affinity", unit="eV per ion")
    try:
        agent: str | float = float(reductant)
    except ValueError:
        agent = reductant
    return CoReduction(
        salts=dict(parse_assignments(salts)),
        reductant=agent,
        ion_affinity_ev={metal: energy for metal, (energy, _) in ions.items()},
        ion_std_ev={metal: std for metal, (_, std) in ions.items()},
    )


def parse_affinities(
    items: Sequence[str],
    metals: Sequence[str] = (),
    *,
    option: str = "--affinity",
    unit: str = "eV per contact",
) -> dict[str, tuple[float, float]]:
    """Return affinities given by hand: Au=-0.4 or Au=-0.4+-0.1, in a unit.

    Raises
    ------
    InputError
        An item is not of this form, or names a metal that is not one of `metals` (where given).
    """
    found = {}
    for item in items:
        metal, equals, value = item.partition("=")
        number, _, spread = value.replace("±", "+-").partition("+-")
        try:
            if not equals:
                raise ValueError
            found[metal.strip()] = (float(number), float(spread) if spread else 0.0)
        except ValueError:
            raise InputError(
                f"{option} {item!r} is not like Au=-0.4 or Au=-0.4+-0.1.",
                f"Give {unit}, negative = bound.",
            ) from None
        if metals and metal.strip() not in metals:
            raise InputError(f"{option} {item!r} names none of the metals {', '.join(metals)}.")
    return found
