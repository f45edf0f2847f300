"""Affinities that are known: those of the user's store, then those shipped with the package."""

from __future__ import annotations

from typing import Any

from pomdft.schemas.affinity import Affinity
from pomdft.settings import load_settings
from pomdft.store.documents import load_reference_affinities
from pomdft.store.minima import keep_lowest
from pomdft.store.results import ResultStore

#: Columns of `affinities`, in this order.
AFFINITY_COLUMNS = (
    "ligand",
    "metal",
    "cluster",
    "site",
    "charge_model",
    "level",
    "energy_ev",
    "std_ev",
    "counterpoise_correction_ev",
    "interaction_energy_ev",
    "reorganisation_ligand_ev",
    "reorganisation_metal_ev",
    "dispersion_ev",
    "poses",
    "contacts",
    "per_contact_ev",
    "relaxed",
    "source",
    "key",
)


def find_affinities(**equal: str | None) -> list[Affinity]:
    """Return the known affinity of each model at each level, see `pomdft.store.minima`.

    Parameters
    ----------
    **equal : str, optional
        Fields of the model, and `level`; None for any.

    Returns
    -------
    list of Affinity
        Shipped, then the user's own, oldest first.
    """
    store = ResultStore(load_settings().store)
    shipped = [a for a in load_reference_affinities() if _matches(a, equal)]
    return keep_lowest([*shipped, *store.affinities(**equal)], store, _identity)


def affinity_row(found: Affinity) -> dict[str, Any]:
    """Return one row of the affinity table."""
    data: dict[str, Any] = found.model_dump(
        exclude={"model", "level", "calculations", "beef_terms_ev"}
    )
    data |= found.model.model_dump()
    data |= {"level": found.level.name, "poses": found.poses}
    return {column: data[column] for column in AFFINITY_COLUMNS}


def _identity(found: Affinity) -> tuple[str, ...]:
    """Return what affinities of one model at one level have in common.

    The orientation is an outcome, the lowest in energy.
    """
    model = found.model
    return (
        model.ligand,
        model.metal,
        model.cluster,
        model.site,
        model.charge_model,
        found.level.title,
    )


def _matches(found: Affinity, equal: dict[str, str | None]) -> bool:
    row = affinity_row(found)
    return all(value is None or row[name] == value for name, value in equal.items())
