"""Ion affinities and protonation energies in water, asked for by name."""

from __future__ import annotations

from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.store.solution import read_ion_affinity, read_protonation_energies
from pomdft.structures.registry import find_definition
from pomdft.structures.solutes import find_ion_complex


def ion_affinity(ligand: str, ion: str, *, level: str = "lcao-water") -> IonAffinity:
    """Return the energy of a POM taking a metal ion from its complex in water. Negative = bound.

    Parameters
    ----------
    ligand : str
        Name of a POM.
    ion : str
        Salt or complex: "Ag+", "[AuCl4]-", "[Ag(H2O)4]+".
    level : str
        Name of the level of theory.

    Returns
    -------
    IonAffinity
        With `energy_ev`, `potential_shift_v`, `level`, `key`; see there for what is included.

    Raises
    ------
    UnknownNameError
        The ligand or ion does not exist; the near names are listed.
    NotComputedError
        It has not been computed; the message names the command that would.
    """
    find_definition(ligand)
    find_ion_complex(ion)
    return read_ion_affinity(ligand, ion, level)


def protonation_energies(pom: str, *, level: str = "lcao-water") -> list[ProtonationEnergy]:
    """Return the energies of a POM taking protons from H3O+ in water. Negative = it takes them.

    Parameters
    ----------
    pom : str
        Name of a POM.
    level : str
        Name of the level of theory.

    Returns
    -------
    list of ProtonationEnergy
        One a proton, in order.

    Raises
    ------
    UnknownNameError
        There is no such POM; the near names are listed.
    NotComputedError
        None has been computed; the message names the command that would.
    """
    find_definition(pom)
    return read_protonation_energies(pom, level)
