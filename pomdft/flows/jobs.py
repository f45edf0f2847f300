"""Makers of single calculations, on top of atomate2's ASE jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atomate2.ase.jobs import AseMaker, AseRelaxMaker
from atomate2.ase.schemas import AseResult
from jobflow import job
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import Box, make_model
from pomdft.calculations.perform import perform
from pomdft.errors import InputError
from pomdft.flows.documents import (
    CalculationDocument,
    as_ase_result,
    final_molecule,
    make_document,
)
from pomdft.flows.reporting import current_reporter
from pomdft.schemas.calculation import CalculationInput, CalculationResult, Task
from pomdft.schemas.level import Level
from pomdft.settings import Settings, load_settings
from pomdft.store.results import ResultStore


@dataclass
class _CalculationMaker:
    """What the makers share: the way from a molecule through the store to a document."""

    level: Level = field(default_factory=load_level)
    box: Box | None = None
    store: str | None = None
    cores: int = 0
    retry: bool = False

    def _task(self) -> Task:
        raise NotImplementedError

    def request(
        self, molecule: Molecule, label: str, ghosts: Sequence[int] = (), frozen: Sequence[int] = ()
    ) -> CalculationInput:
        """Return the calculation that this maker does for a molecule."""
        box = Box(**self.box) if isinstance(self.box, dict) else self.box
        model = make_model(molecule, self.level, box, label=label, ghosts=ghosts, frozen=frozen)
        return CalculationInput.create(self._task(), model, self.level)

    def calculate(
        self, molecule: Molecule, label: str, ghosts: Sequence[int] = (), frozen: Sequence[int] = ()
    ) -> tuple[CalculationInput, CalculationResult]:
        """Compute, or take from the store; report as it goes."""
        reporter = current_reporter()
        try:
            request = self.request(molecule, label, ghosts, frozen)
            settings = self._settings()
            store = ResultStore(settings.store)
            stored = store.find_result(request.key) is not None
            reporter.begin(request, stored=stored)
            result = perform(request, store, settings, reporter.progress, retry=self.retry)
        except Exception as error:
            reporter.fail(label, error)
            raise
        reporter.finish(request, result)
        return request, result

    def _settings(self) -> Settings:
        settings = load_settings()
        changes: dict[str, Any] = {}
        if self.store is not None:
            changes["store"] = Path(self.store)
        if self.cores:
            changes["cores"] = self.cores
        return settings.model_copy(update=changes)


def _document(
    maker: _CalculationMaker,
    molecule: Molecule,
    label: str,
    ghosts: Sequence[int],
    frozen: Sequence[int],
) -> CalculationDocument:
    label = label or str(molecule.properties.get("name") or molecule.formula)
    request, result = maker.calculate(molecule, label, ghosts, frozen)
    final = final_molecule(molecule, request, result)
    return make_document(request, result, final, as_ase_result(final, request, result))


@dataclass
class GpawRelaxMaker(_CalculationMaker, AseRelaxMaker):
    """Relax a molecule at a level of theory; the cell stays.

    Parameters
    ----------
    level : Level
        Level of theory; despite the maker's name an "xtb" level works too.
    box : Box, optional
        Cell to compute in; by default one around the molecule.
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    """

    name: str = "GPAW relax"
    relax_cell: bool = False

    def _task(self) -> Task:
        return "relaxation"

    @job(output_schema=CalculationDocument)
    def make(
        self,
        mol_or_struct: Molecule,
        prev_dir: str | Path | None = None,
        *,
        label: str = "",
        frozen: Sequence[int] = (),
    ) -> CalculationDocument:
        """Relax a molecule.

        Parameters
        ----------
        mol_or_struct : Molecule
            Start geometry with charge and spin multiplicity.
        prev_dir : str or Path, optional
            Unused; there for the signature of other makers: the store finds earlier work by key.
        label : str
            Shown in progress and tables.
        frozen : sequence of int
            Atoms that do not move.
        """
        return _document(self, mol_or_struct, label, (), frozen)

    def run_ase(self, mol_or_struct: Molecule, prev_dir: str | Path | None = None) -> AseResult:
        """Relax a molecule outside a job; return atomate2's result."""
        _check_molecule(mol_or_struct)
        request, result = self.calculate(mol_or_struct, str(mol_or_struct.formula))
        return as_ase_result(final_molecule(mol_or_struct, request, result), request, result)


@dataclass
class GpawStaticMaker(_CalculationMaker, AseMaker):
    """Energy and forces of a molecule, or of one fragment of it, at its given geometry.

    Parameters are those of `GpawRelaxMaker`.
    """

    name: str = "GPAW static"

    def _task(self) -> Task:
        return "energy"

    @job(output_schema=CalculationDocument)
    def make(
        self,
        mol_or_struct: Molecule,
        prev_dir: str | Path | None = None,
        *,
        label: str = "",
        fragment: str | None = None,
        with_ghosts: bool = False,
    ) -> CalculationDocument:
        """Compute energy and forces.

        Parameters
        ----------
        mol_or_struct : Molecule
            Geometry with charge and spin multiplicity.
        prev_dir : str or Path, optional
            Unused, see `GpawRelaxMaker`.
        label : str
            Shown in progress and tables.
        fragment : str, optional
            Compute this fragment (site property "fragment") only.
        with_ghosts : bool
            Keep the basis functions of the other atoms (counterpoise correction).
        """
        molecule, ghosts = take_fragment(mol_or_struct, fragment, keep_ghosts=with_ghosts)
        return _document(self, molecule, label, ghosts, ())

    def run_ase(self, mol_or_struct: Molecule, prev_dir: str | Path | None = None) -> AseResult:
        """Compute outside a job; return atomate2's result."""
        _check_molecule(mol_or_struct)
        request, result = self.calculate(mol_or_struct, str(mol_or_struct.formula))
        return as_ase_result(mol_or_struct, request, result)


def fragments_of(molecule: Molecule) -> list[str]:
    """Return the fragment of each atom: "ligand", or "metal" with the support it lies on."""
    names = molecule.site_properties["fragment"]
    return ["metal" if name == "support" else str(name) for name in names]


def take_fragment(
    molecule: Molecule, fragment: str | None, *, keep_ghosts: bool
) -> tuple[Molecule, tuple[int, ...]]:
    """Return a fragment with its own charge and spin, and the indices of ghosts in it.

    Parameters
    ----------
    molecule : Molecule
        A complex with site property "fragment" and property "fragment_states": charge and spin
        multiplicity of each fragment.
    fragment : str or None
        Name of the fragment; None for the whole.
    keep_ghosts : bool
        Keep the atoms of the others, as ghosts.
    """
    if fragment is None:
        return molecule, ()
    states = molecule.properties.get("fragment_states", {})
    if fragment not in states:
        raise InputError(f"{molecule.formula} has no fragment {fragment!r} with known charge.")
    names = fragments_of(molecule)
    chosen = [i for i, name in enumerate(names) if name == fragment]
    ghosts = [i for i in range(len(molecule)) if i not in set(chosen)] if keep_ghosts else []
    keep = sorted(chosen + ghosts)
    part = Molecule(
        [molecule[i].specie for i in keep],
        [molecule[i].coords for i in keep],
        charge=states[fragment]["charge"],
        spin_multiplicity=states[fragment]["spin_multiplicity"],
        site_properties={
            name: [values[i] for i in keep] for name, values in molecule.site_properties.items()
        },
        properties=dict(molecule.properties),
        charge_spin_check=False,
    )
    return part, tuple(keep.index(i) for i in ghosts)


def _check_molecule(value: Any) -> None:
    if not isinstance(value, Molecule):
        raise InputError(f"A Molecule is needed, not {type(value).__name__}.")
