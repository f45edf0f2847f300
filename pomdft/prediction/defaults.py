"""What predictions take from the store where nothing is given by hand."""

from __future__ import annotations

from typing import Any

from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction.affinities import collect_contact_affinities
from pomdft.prediction.queries import find_affinities
from pomdft.prediction.stored import collect_ligand_shifts, collect_segregation
from pomdft.settings import load_settings
from pomdft.structures.charges import check_charge_model
from pomdft.structures.names import check_names
from pomdft.structures.supports import SUPPORTS


def known_affinities(
    ligand: str, metals: tuple[str, ...], charge_model: str | None = None
) -> dict[str, ContactAffinity]:
    """Return affinities of a ligand per contact, at one level, from the store or shipped data.

    Parameters
    ----------
    ligand : str
        Name.
    metals : tuple of str
        Symbols.
    charge_model : str, optional
        How the ligand's charge is compensated; by default by protons where those are known.

    Raises
    ------
    UnknownNameError
        Something of that name does not exist.
    NotComputedError
        One of them has not been computed, or not at the level of the others.
    """
    check_charge_model(charge_model)
    for metal in metals:
        ligand = check_names(ligand, metal) or ligand
    if ligand in SUPPORTS:
        raise NotComputedError(
            f"{ligand} is a support: it makes no contacts that could be counted per surface atom.",
            "Name a polyoxometalate or a conventional ligand.",
        )
    documents = find_affinities(ligand=ligand)
    found = collect_contact_affinities(documents, metals, charge_model)
    missing = [metal for metal in metals if metal not in found]
    if missing:
        of_model = f" with charge model {charge_model}" if charge_model else ""
        option = f" --charge-model {charge_model}" if charge_model else ""
        raise NotComputedError(
            f"The affinity of {ligand} for {' and '.join(missing)} has not been computed"
            f"{' at the level of the other metal' if found else ''}{of_model}.",
            f"Compute it: pomdft run --ligand {ligand} --metal {missing[0]}{option}; or give it by "
            f'hand: affinity={{"{missing[0]}": -0.5}} (eV per contact), on the command line '
            f"--affinity {missing[0]}=-0.5.",
        )
    return found


def fill_in_known(
    options: dict[str, Any],
    ligand: str | None,
    metals: tuple[str, ...],
    charge_model: str | None = None,
) -> dict[str, Any]:
    """Put what the store knows into options of a prediction where nothing is given by hand.

    Parameters
    ----------
    options : dict
        Changed in place: `affinity` (of the ligand) and `computed` (DFT segregation energies).
    ligand : str or None
        Protecting ligand.
    metals : tuple of str
        Metals whose affinities are needed.
    charge_model : str, optional
        See `known_affinities`.

    Returns
    -------
    dict
        The same options.

    Raises
    ------
    InputError
        A charge model is asked for where no affinity comes from the store.
    NotComputedError
        An affinity is not known.
    """
    if ligand is not None and options.get("affinity") is None:
        options["affinity"] = known_affinities(ligand, metals, charge_model)
    elif charge_model is not None:
        raise InputError(
            f"Charge model {charge_model} is of computed affinities; here are none.",
            "Name a ligand, without affinities by hand.",
        )
    if options.get("computed") is None:
        options["computed"] = collect_segregation(load_settings().store)
    return options


def fill_in_shifts(options: dict[str, Any], ligand: str | None, metals: tuple[str, ...]) -> None:
    """Put the d-band shifts by a ligand into options of an activity where none are given."""
    if ligand is None or options.get("ligand_d_shift_ev") is not None:
        return
    for metal in metals:
        ligand = check_names(ligand, metal) or ligand
    known = find_affinities(ligand=ligand)
    found = collect_ligand_shifts(load_settings().store, known, ligand, metals)
    options["ligand_d_shift_ev"] = {metal: shift.shift_ev for metal, shift in found.items()}
    options["ligand_source"] = "; ".join(shift.source for shift in found.values())
