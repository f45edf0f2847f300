"""Ion affinities and protonation energies: the user's store first, then the shipped data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pomdft.errors import NotComputedError
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.settings import load_settings
from pomdft.store.documents import find_documents
from pomdft.store.minima import keep_lowest
from pomdft.store.results import ResultStore

#: Level of theory that is asked for where none is named.
DEFAULT_LEVEL = "lcao-water"


def load_ion_affinities(
    ligand: str | None = None,
    metal: str | None = None,
    salt: str | None = None,
    level: str | None = None,
    *,
    root: Path | None = None,
) -> list[IonAffinity]:
    """Return known ion affinities, eV an ion, negative = bound.

    Parameters
    ----------
    ligand, metal, salt, level : str, optional
        Only these ("salt" as in the table of reduction potentials, "level" a name); None for any.
    root : Path, optional
        The store; by default POMDFT_STORE.

    Returns
    -------
    list of IonAffinity
        Shipped, then the user's own; one of each model at each level, see `pomdft.store.minima`.
    """
    root = root or load_settings().store
    found = find_documents(
        root,
        IonAffinity,
        lambda d: (
            (ligand is None or d.ligand == ligand)
            and (metal is None or d.metal == metal)
            and (salt is None or salt in (d.salt, d.reference_complex))
            and (level is None or d.level.name == level)
        ),
    )
    return keep_lowest(found, ResultStore(root), _describe_exchange)


def _describe_exchange(document: IonAffinity) -> tuple[str, ...]:
    """Return what ion affinities of one model at one level have in common."""
    model = (document.ligand, document.site, document.charge_model)
    return (*model, document.salt, document.reference_complex, document.level.title)


def load_protonation_energies(
    pom: str | None = None, level: str | None = None, *, root: Path | None = None
) -> list[ProtonationEnergy]:
    """Return known protonation energies, eV a proton from H3O+, negative = the anion takes it.

    Parameters
    ----------
    pom, level : str, optional
        Only these; None for any.
    root : Path, optional
        The store; by default POMDFT_STORE.

    Returns
    -------
    list of ProtonationEnergy
        By POM, level and number of protons; of equal ones the last counts.
    """
    found = find_documents(
        root or load_settings().store,
        ProtonationEnergy,
        lambda d: (pom is None or d.pom == pom) and (level is None or d.level.name == level),
    )
    return sorted(found, key=lambda d: (d.pom, d.level.name, d.protons))


def read_ion_affinity(ligand: str, ion: str, level: str = DEFAULT_LEVEL) -> IonAffinity:
    """Return the ion affinity of a ligand for a salt or complex.

    Raises
    ------
    NotComputedError
        It has not been computed; the message names the command that would.
    """
    found = load_ion_affinities(ligand, salt=ion, level=level)
    if not found:
        raise NotComputedError(
            f"The affinity of {ligand} for the ion of {ion} (level {level}) has not been computed.",
            _name_levels(load_ion_affinities(ligand, salt=ion))
            + f"Compute it: pomdft solution ions {ligand} '{ion}' --level {level}",
        )
    return found[-1]


def read_protonation_energies(pom: str, level: str = DEFAULT_LEVEL) -> list[ProtonationEnergy]:
    """Return the protonation energies of a POM, one proton after the other.

    Raises
    ------
    NotComputedError
        None has been computed; the message names the command that would.
    """
    found = load_protonation_energies(pom, level)
    if not found:
        raise NotComputedError(
            f"The protonation of {pom} (level {level}) has not been computed.",
            _name_levels(load_protonation_energies(pom))
            + f"Compute it: pomdft solution protonation {pom} --level {level}",
        )
    return list({(d.protons, d.site): d for d in found}.values())


def _name_levels(found: Sequence[IonAffinity | ProtonationEnergy]) -> str:
    """Return a hint at the levels at which something is known."""
    names = sorted({document.level.name for document in found})
    return f"It is known at level {' and '.join(names)}: ask for that. " if names else ""
