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
