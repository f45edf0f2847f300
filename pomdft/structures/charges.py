"""Charges: what a bare anion carries, how a model balances it, and whether electrons add up.

A bare 10- anion in vacuum is meaningless, so a study names a charge model:

``protonated``
    Neutral; protons on bridging oxygens away from where the metal binds.
``alkali``
    Neutral; Li, Na, K or Cs counter-cations at crystal-like contacts.
``solvated``
    The anion itself, meant for continuum water.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal, get_args

from ase.data import atomic_numbers

from pomdft.errors import ChargeError, UnknownNameError
from pomdft.structures.connectivity import ADDENDA, CATIONS

ChargeModel = Literal["protonated", "alkali", "solvated"]
CHARGE_MODELS: Final[tuple[str, ...]] = get_args(ChargeModel)

#: Formal oxidation state of heteroatoms in the anions of this package.
HETEROATOM_STATE: Final[dict[str, int]] = {
    "B": 3, "Al": 3, "Ga": 3, "Si": 4, "Ge": 4, "P": 5, "As": 5,
    "S": 6, "Se": 4, "Te": 4, "Sb": 3, "Bi": 3, "Zn": 2, "Co": 2,
}  # fmt: skip


def formal_charge(symbols: Sequence[str]) -> int:
    """Return the charge of a POM from formal oxidation states.

    Parameters
    ----------
    symbols : sequence of str
        Elements of the anion, with any protons and counter-cations.

    Returns
    -------
    int
        In units of e: O is -2, H +1, addenda and heteroatoms as in `ADDENDA` and
        `HETEROATOM_STATE`.

    Raises
    ------
    ChargeError
        If an element has no tabulated state.
    """
    states = {"O": -2, "H": 1, **ADDENDA, **CATIONS, **HETEROATOM_STATE}
    unknown = sorted({s for s in symbols if s not in states})
    if unknown:
        raise ChargeError(
            f"No formal oxidation state is known for {', '.join(unknown)}.",
            "Give the total charge instead.",
        )
    return sum(states[s] for s in symbols)


def describe_charge(symbols: Sequence[str]) -> str:
    """Return in one line how formal oxidation states add up, e.g. ``W 5 x +6, O 18 x -2 = -6``."""
    states = {"O": -2, "H": 1, **ADDENDA, **CATIONS, **HETEROATOM_STATE}
    parts = [f"{s} {n} x {states[s]:+d}" for s, n in Counter(symbols).items()]
    return f"{', '.join(parts)} = {formal_charge(symbols):+d}"


def check_charge_model(model: str | None) -> None:
    """Refuse a charge model that does not exist.

    Raises
    ------
    UnknownNameError
    """
    if model is not None and model not in CHARGE_MODELS:
        raise UnknownNameError("charge model", str(model), CHARGE_MODELS)


def check_cation_count(
    name: str, model: str | None, charge: int, n_cations: int | None, metal_charge: int = 0
) -> None:
    """Refuse a number of counter-cations that cannot balance an anion.

    Parameters
    ----------
    name : str
        Of the anion, for the message.
    model : str or None
        Charge model.
    charge : int
        Of the bare anion, in units of e.
    n_cations : int or None
        Monovalent cations asked for; None leaves it to the model.
    metal_charge : int
        Of a docked metal, which may take a cation's place.

    Raises
    ------
    ChargeError
        ``protonated`` and ``alkali`` of a cation; ``alkali`` with a number that leaves neither the
        ligand nor the whole neutral; ``solvated`` with more cations than charges; a number that
        is negative, not whole, or given to a model without cations.
    """
    if model in ("protonated", "alkali") and charge > 0:
        raise ChargeError(
            f"charge_model: {model!r} balances anions, but {name} has charge {charge:+d}.",
            "Use 'solvated', or correct the charge.",
        )
    if n_cations is None:
        return
    try:
        count = operator.index(n_cations)
    except TypeError:
        raise ChargeError(
            f"n_cations: {n_cations!r} is not a whole number.", "Give a whole number, or None."
        ) from None
    if model not in ("alkali", "solvated"):
        raise ChargeError(
            f"n_cations: {count} was given, but charge_model {model!r} has no cations.",
            "Use 'alkali' or 'solvated', or leave n_cations out.",
        )
    if count < 0 or count > max(-charge, 0):
        raise ChargeError(
            f"n_cations: {count} cannot balance {name}, which has charge {charge:+d}.",
            f"Give between 0 and {max(-charge, 0)}.",
        )
    neutral = {-charge, -charge - metal_charge}
    if model == "alkali" and count not in neutral:
        raise ChargeError(
            f"n_cations: {count} leaves {name} (charge {charge:+d}) with {charge + count:+d}, but "
            "'alkali' is neutral.",
            f"Leave n_cations out ({-charge} are placed), or use 'solvated' for a charged model.",
        )


def count_electrons(symbols: Sequence[str], charge: float) -> int:
    """Return the number of all electrons.

    Parameters
    ----------
    symbols : sequence of str
    charge : float
        Total charge in units of e; has to be whole.

    Returns
    -------
    int

    Raises
    ------
    ChargeError
        If the charge is not whole or exceeds the nuclear charge.
    """
    if float(charge) != round(float(charge)):
        raise ChargeError(f"charge: {charge} is not a whole number.", "Give a whole number of e.")
    electrons = sum(atomic_numbers[s] for s in symbols) - round(float(charge))
    if electrons < 0:
        raise ChargeError(f"charge: {charge:+g} exceeds the nuclear charge.", "Lower it.")
    return int(electrons)


def check_electron_count(
    symbols: Sequence[str], charge: float, spin_multiplicity: int | None
) -> None:
    """Refuse a charge and multiplicity that no electron count can have.

    Parameters
    ----------
    symbols : sequence of str
    charge : float
        In units of e.
    spin_multiplicity : int or None
        2S+1; None leaves it to the caller.

    Raises
    ------
    ChargeError
        If 2S+1 is not positive, has the wrong parity or exceeds the number of electrons + 1.
    """
    electrons = count_electrons(symbols, charge)
    if spin_multiplicity is None:
        return
    unpaired = int(spin_multiplicity) - 1
    if unpaired < 0 or unpaired > electrons or (electrons - unpaired) % 2:
        fitting = "odd" if electrons % 2 == 0 else "even"
        raise ChargeError(
            f"spin_multiplicity: {spin_multiplicity} does not fit {electrons} electrons "
            f"(charge {charge:+g}).",
            f"An {'even' if electrons % 2 == 0 else 'odd'} electron count needs an {fitting} "
            "multiplicity; change the charge or the multiplicity.",
        )


def lowest_multiplicity(symbols: Sequence[str], charge: float) -> int:
    """Return 1 for an even electron count, 2 for an odd one."""
    return 1 + count_electrons(symbols, charge) % 2
