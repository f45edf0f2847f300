"""The Python API: build models, query affinities, predict."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pomdft.analysis.solution import ion_affinity, protonation_energies
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction.defaults import fill_in_known, fill_in_shifts, find_ligand_band
from pomdft.prediction.queries import AFFINITY_COLUMNS, affinity_row, find_affinities
from pomdft.schemas.affinity import SIGN_CONVENTION, Affinity, AffinityModel
from pomdft.structures.docking import build_complexes, check_model
from pomdft.structures.names import carries_charge, check_names, list_ligands
from pomdft.structures.poms import build_pom

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from pomdft.analysis.segregation import SegregationEnergy
    from pomdft.prediction.activity import Activity
    from pomdft.prediction.map import OrderingMap
    from pomdft.prediction.ordering import Ordering
    from pomdft.schemas.dband import DBand


def affinity(
    ligand: str,
    metal: str,
    *,
    level: str = "lcao",
    cluster: str = "M4",
    site: str = "vacancy",
    charge_model: str = "protonated",
) -> Affinity:
    """Return the binding energy of a ligand to a metal. Negative = bound.

    It is the lowest pose in the user's store and in the data shipped with the package; of equal
    ones the user's own.

    Parameters
    ----------
    ligand, metal : str
        Names, e.g. "A-alpha-SiW9O34" and "Au".
    level : str
        Name of the level of theory.
    cluster, site, charge_model : str
        Which model.

    Returns
    -------
    Affinity
        With `energy_ev`, `std_ev`, `per_contact_ev`, `level`, `model`, `key`.

    Raises
    ------
    UnknownNameError
        Something of that name does not exist; the near names are listed.
    NotComputedError
        It has not been computed; the message names the command that would.
    """
    ligand = check_names(ligand, metal) or ligand
    check_model(cluster, site, charge_model)
    if not carries_charge(ligand):
        charge_model = "protonated"  # what the models of neutral ligands are called
    found = find_affinities(
        ligand=ligand,
        metal=metal,
        level=level,
        cluster=cluster,
        site=site,
        charge_model=charge_model,
    )
    if not found:
        model = AffinityModel(
            ligand=ligand, metal=metal, cluster=cluster, site=site, charge_model=charge_model
        )
        words = ["pomdft", "run", "--ligand", ligand, "--metal", metal, "--level", level]
        raise NotComputedError(
            f"The affinity of {ligand} for {metal} ({cluster}, site {site}, {charge_model}, level "
            f"{level}) has not been computed.",
            f"Compute it: {shlex.join([*words, *model.options])}",
        )
    return found[-1]


def affinities(
    ligand: str | None = None,
    metal: str | None = None,
    level: str | None = None,
    charge_model: str | None = None,
) -> pd.DataFrame:
    """Return known affinities as a table. Energies in eV, negative = bound.

    Parameters
    ----------
    ligand, metal, level, charge_model : str, optional
        Only these; None for any.

    Returns
    -------
    pandas.DataFrame
        One row an affinity; `attrs["sign_convention"]` says the sign.
    """
    import pandas as pd

    ligand = check_names(ligand, metal)
    rows = [
        affinity_row(found)
        for found in find_affinities(
            ligand=ligand, metal=metal, level=level, charge_model=charge_model
        )
    ]
    frame = pd.DataFrame(rows, columns=list(AFFINITY_COLUMNS))
    frame.attrs["sign_convention"] = SIGN_CONVENTION
    return frame


def d_band(
    metal: str,
    facet: str = "111",
    ligand: str | None = None,
    *,
    charge_model: str | None = None,
) -> DBand:
    """Return the d-band of a metal surface or of a cluster. Energies relative to the Fermi level.

    Parameters
    ----------
    metal : str
        Symbol.
    facet : str
        "111", "100", "211", "0001", "bulk", or a cluster such as "M4".
    ligand : str, optional
        Of a protected cluster: the one of its usual model (vacancy, protonated) where several
        are known.
    charge_model : str, optional
        How the ligand's charge is compensated, e.g. "alkali".

    Returns
    -------
    DBand
        With `center_ev`, `width_ev`, `filling`, `upper_edge_ev`, `source`.

    Raises
    ------
    InputError
        A charge model is given without a ligand.
    NotComputedError
        It has not been computed; the message names the command that would.
    """
    from pomdft.flows.dband import find_d_band

    if ligand is not None:
        return find_ligand_band(ligand, metal, facet, charge_model)
    if charge_model is not None:
        raise InputError(f"Charge model {charge_model} is of a ligand.", "Name the ligand.")
    check_names(None, metal)
    return find_d_band(metal, facet)


def segregation_energy(
    host: str,
    solute: str,
    facet: str = "111",
    ligand: str | None = None,
    *,
    charge_model: str | None = None,
    **options: Any,
) -> SegregationEnergy:
    """Return the segregation energy of a dilute solute. Negative = the solute goes to the surface.

    Parameters
    ----------
    host, solute : str
        Metals, Ti to Au.
    facet : str
        "111", "100", "110", "0001", or a site such as "step".
    ligand : str, optional
        The difference of its affinities for the two metals is added.
    charge_model : str, optional
        How the ligand's charge is compensated in its affinities, e.g. "alkali"; by default by
        protons where those are known.
    **options
        See `pomdft.analysis.segregation.segregation_energy`; `affinity` gives affinities by hand.
    """
    from pomdft.analysis import segregation

    fill_in_known(options, ligand, (host, solute), charge_model)
    return segregation.segregation_energy(host, solute, facet, ligand, **options)


def predict_ordering(  # noqa: PLR0917 - the order is part of the published signature
    first: str,
    second: str,
    ligand: str | None = None,
    fraction: float = 0.5,
    n_atoms: int = 309,
    temperature_k: float = 298.15,
    route: str = "equilibrium",
    seed: int = 0,
    *,
    charge_model: str | None = None,
    **options: Any,
) -> Ordering:
    """Predict how two metals arrange in a particle under a ligand.

    Parameters
    ----------
    first, second : str
        Metals, Ti to Au.
    ligand : str, optional
        Its affinities come from the store or the shipped data, unless `affinity` gives them.
    fraction : float
        Atomic fraction of the second metal.
    n_atoms : int
        Size of the particle.
    temperature_k : float
        Temperature in kelvin.
    route : {"equilibrium", "co-reduction"}
        How the particle forms.
    seed : int
        Of the random numbers.
    charge_model : str, optional
        How the ligand's charge is compensated in its affinities, e.g. "alkali"; by default by
        protons where those are known.
    **options
        See `pomdft.prediction.ordering.predict_ordering`. Ion affinities that `synthesis` does not
        give come from the store or the shipped data; the answer's reason says so.

    Returns
    -------
    Ordering
        With `label`, `core`, `shell`, `probabilities`, and the reason in one sentence.
    """
    from pomdft.prediction import ordering
    from pomdft.prediction.ion_shifts import fill_in_ions

    fill_in_known(options, ligand, (first, second), charge_model)
    if route == "co-reduction":
        options["synthesis"] = fill_in_ions(options.get("synthesis"), ligand, (first, second))
    return ordering.predict_ordering(
        first, second, ligand, fraction, n_atoms, temperature_k, route, seed, **options
    )


def ordering_map(
    first: str,
    second: str,
    ligand: str | None = None,
    fractions: npt.ArrayLike | None = None,
    temperatures_k: npt.ArrayLike | None = None,
    *,
    charge_model: str | None = None,
    **options: Any,
) -> OrderingMap:
    """Predict the ordering over molar ratio and temperature.

    Parameters
    ----------
    first, second, ligand
        As for `predict_ordering`.
    fractions : array_like, optional
        Atomic fractions of the second metal, ascending.
    temperatures_k : array_like, optional
        Temperatures in kelvin, ascending.
    charge_model : str, optional
        As for `predict_ordering`.
    **options
        See `pomdft.prediction.map.ordering_map`.
    """
    from pomdft.prediction import map as prediction_map
    from pomdft.prediction.ion_shifts import fill_in_ions

    fill_in_known(options, ligand, (first, second), charge_model)
    if options.get("route") == "co-reduction":
        options["synthesis"] = fill_in_ions(options.get("synthesis"), ligand, (first, second))
    return prediction_map.ordering_map(first, second, ligand, fractions, temperatures_k, **options)


def predict_activity(
    composition: Mapping[str, float],
    reaction: str = "co-oxidation",
    ordering: str = "random-alloy",
    ligand: str | None = None,
    temperature_k: float | None = None,
    *,
    charge_model: str | None = None,
    **options: Any,
) -> Activity:
    """Predict the rate of a surface relative to its better monometallic parent.

    Parameters
    ----------
    composition : mapping
        One or two metals to their amounts.
    reaction : {"co-oxidation", "aerobic-oxidation", "formic-acid-dehydrogenation"}
    ordering : str
        "random-alloy", "core-shell", ...
    ligand : str, optional
        Its effect on the metals' d-bands comes from the store, unless `ligand_d_shift_ev` gives it.
    temperature_k : float, optional
        Temperature in kelvin; default: where the reaction is commonly run.
    charge_model : str, optional
        How the ligand's charge is compensated where its d-bands come from, e.g. "alkali"; by
        default by protons where those are known.
    **options
        See `pomdft.prediction.activity.predict_activity`.

    Returns
    -------
    Activity
        With `relative_rate`, `std` (decades), the descriptors (eV, negative = bound) and the
        limiting step.

    Raises
    ------
    NotComputedError
        The d-bands of a metal under the ligand have not been computed.
    """
    from pomdft.prediction import activity

    fill_in_shifts(options, ligand, tuple(composition), charge_model)
    return activity.predict_activity(
        composition, reaction, ordering, ligand, temperature_k, **options
    )


__all__ = [
    "AFFINITY_COLUMNS",
    "affinities",
    "affinity",
    "affinity_row",
    "build_complexes",
    "build_pom",
    "d_band",
    "find_affinities",
    "ion_affinity",
    "list_ligands",
    "ordering_map",
    "predict_activity",
    "predict_ordering",
    "protonation_energies",
    "segregation_energy",
]
