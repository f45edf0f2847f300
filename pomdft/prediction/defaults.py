"""What predictions take from the store where nothing is given by hand."""

from __future__ import annotations

import shlex
from typing import Any

from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction.affinities import collect_contact_affinities, name_model
from pomdft.prediction.queries import find_affinities
from pomdft.prediction.stored import collect_ligand_shifts, collect_segregation, find_held_band
from pomdft.schemas.dband import DBand
from pomdft.settings import load_settings
from pomdft.structures.charges import check_charge_model
from pomdft.structures.names import carries_charge, check_names
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
        How the ligand's charge is compensated; by default by protons where those are known. A
        ligand without charge has one model, which answers for all.

    Raises
    ------
    UnknownNameError
        Something of that name does not exist.
    NotComputedError
        One of them has not been computed, or not at the level of the others.
    """
    ligand, charge_model = _check_question(ligand, metals, charge_model)
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
        options = name_model(ligand, missing[0], charge_model=charge_model).options
        command = shlex.join(["pomdft", "run", "--ligand", ligand, "--metal", missing[0], *options])
        raise NotComputedError(
            f"The affinity of {ligand} for {' and '.join(missing)} has not been computed"
            f"{' at the level of the other metal' if found else ''}{of_model}.",
            f'Compute it: {command}; or give it by hand: affinity={{"{missing[0]}": -0.5}} (eV per '
            f"contact), on the command line --affinity {missing[0]}=-0.5.",
        )
    return found


def _check_question(
    ligand: str, metals: tuple[str, ...], charge_model: str | None
) -> tuple[str, str | None]:
    """Return ligand and charge model as results carry them; none where there is no charge."""
    check_charge_model(charge_model)
    for metal in metals:
        ligand = check_names(ligand, metal) or ligand
    return ligand, charge_model if carries_charge(ligand) else None


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


def fill_in_shifts(
    options: dict[str, Any],
    ligand: str | None,
    metals: tuple[str, ...],
    charge_model: str | None = None,
) -> None:
    """Put the d-band shifts by a ligand into options of an activity where none are given.

    Parameters
    ----------
    options : dict
        Changed in place: `ligand_d_shift_ev` and `ligand_source`.
    ligand : str or None
        Protecting ligand.
    metals : tuple of str
        Metals whose shifts are needed.
    charge_model : str, optional
        See `known_affinities`.

    Raises
    ------
    InputError
        A charge model is asked for where no shift comes from the store.
    NotComputedError
        A shift is not known.
    """
    if ligand is None or options.get("ligand_d_shift_ev") is not None:
        check_charge_model(charge_model)
        if charge_model is not None:
            raise InputError(
                f"Charge model {charge_model} is of computed d-bands; here are none.",
                "Name a ligand, without d-band shifts by hand.",
            )
        return
    ligand, charge_model = _check_question(ligand, metals, charge_model)
    known = find_affinities(ligand=ligand)
    found = collect_ligand_shifts(load_settings().store, known, ligand, metals, charge_model)
    options["ligand_d_shift_ev"] = {metal: shift.shift_ev for metal, shift in found.items()}
    options["ligand_source"] = "; ".join(shift.source for shift in found.values())


def find_ligand_band(ligand: str, metal: str, cluster: str, charge_model: str | None) -> DBand:
    """Return the d-band of a cluster under a ligand, from the store or the shipped data.

    Parameters
    ----------
    ligand, metal, cluster : str
        Names, e.g. "W5O18", "Au", "M4".
    charge_model : str or None
        See `known_affinities`.

    Raises
    ------
    NotComputedError
        It has not been computed; the message names the command that would.
    """
    ligand, charge_model = _check_question(ligand, (metal,), charge_model)
    known = find_affinities(ligand=ligand, metal=metal, cluster=cluster, charge_model=charge_model)
    asked = name_model(ligand, metal, cluster=cluster, charge_model=charge_model)
    return find_held_band(load_settings().store, known, asked)
