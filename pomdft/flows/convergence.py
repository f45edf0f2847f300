"""How an interaction energy moves with grid, vacuum, basis: the same geometry at many levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jobflow import Flow, Job, Maker, job
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.calculations.models import fit_box
from pomdft.errors import InputError, UnknownNameError
from pomdft.flows.documents import CalculationDocument
from pomdft.flows.jobs import GpawStaticMaker, take_fragment
from pomdft.flows.periodic import store_root
from pomdft.flows.preparation import MANY_POSES, lay_out_model_box, plan_affinity
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.level import Level
from pomdft.store.catalogue import read_calculation
from pomdft.store.documents import keep_document
from pomdft.store.results import ResultStore
from pomdft.structures.convert import with_positions

#: What is changed, one thing at a time; "preset" starts from another preset than the affinity's.
CONVERGENCE_VARIANTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "preset: dzp, h 0.20, vacuum 3.5": {},
        "plane waves 400 eV": {
            "preset": "pw",
            "vacuum_angstrom": 3.5,
            "parameters": {"mode": {"name": "pw", "ecut": 400}},
        },
        "basis szp": {"parameters": {"basis": "szp(dzp)"}},
        "h 0.18": {"parameters": {"h": 0.18}, "grid_multiple_angstrom": 0.72},
        "vacuum 4.5": {"vacuum_angstrom": 4.5},
        "h 0.22": {"parameters": {"h": 0.22}, "grid_multiple_angstrom": 0.88},
        "vacuum 3.0": {"vacuum_angstrom": 3.0},
        "h 0.16": {"parameters": {"h": 0.16}, "grid_multiple_angstrom": 0.64},
        "basis sz": {"parameters": {"basis": "sz(dzp)"}},
        "vacuum 6.0": {"vacuum_angstrom": 6.0},
        "plane waves 500 eV": {
            "preset": "pw",
            "vacuum_angstrom": 3.5,
            "parameters": {"mode": {"name": "pw", "ecut": 500}},
        },
        "finite differences h 0.18": {"preset": "fd", "vacuum_angstrom": 3.5},
        "functional RPBE": {"parameters": {"xc": "RPBE"}},
    }
)

_PARTS: tuple[tuple[str, str | None, bool], ...] = (
    ("complex", None, False),
    ("frozen-ligand", "ligand", False),
    ("frozen-cluster", "metal", False),
)
_GHOSTS: tuple[tuple[str, str | None, bool], ...] = (
    ("ghost-ligand", "ligand", True),
    ("ghost-cluster", "metal", True),
)


def convergence_levels(
    changes: Mapping[str, Mapping[str, Any]] = CONVERGENCE_VARIANTS, preset: str = "lcao"
) -> dict[str, Level]:
    """Return a level for each variant of a preset.

    Parameters
    ----------
    changes : mapping of str to mapping
        Variant -> overrides as in `load_level`; a key "preset" replaces the preset.
    preset : str
        Where the changes start from.
    """
    levels = {}
    for variant, overrides in changes.items():
        fields = dict(overrides)
        base = str(fields.pop("preset", preset))
        levels[variant] = load_level(base, fields or None)
    return levels


def choose_variants(names: list[str]) -> dict[str, Level]:
    """Return the levels of the named variants of `CONVERGENCE_VARIANTS`, of all without names.

    Raises
    ------
    UnknownNameError
        There is no such variant; the near names are listed.
    """
    for name in names:
        if name not in CONVERGENCE_VARIANTS:
            raise UnknownNameError("variant", name, CONVERGENCE_VARIANTS)
    return convergence_levels({n: CONVERGENCE_VARIANTS[n] for n in names or CONVERGENCE_VARIANTS})


@dataclass
class ConvergenceMaker(Maker):
    """Single points of one relaxed complex and its frozen fragments at many levels.

    Parameters
    ----------
    counterpoise : bool
        Also compute the fragments in the basis of the complex, for LCAO levels.
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    """

    name: str = "convergence"
    counterpoise: bool = True
    store: str | None = None
    cores: int = 0
    retry: bool = False

    def make(self, affinity: Affinity, variant: str, level: Level) -> Flow:
        """Return the flow of one interaction energy; its output is an `InteractionEnergy`.

        Parameters
        ----------
        affinity : Affinity
            Its relaxed complex gives the geometry.
        variant : str
            What the level changes, in a few words.
        level : Level
            Of the single points.
        """
        molecule = relaxed_complex(affinity, ResultStore(store_root(self.store)))
        ligand, _ = take_fragment(molecule, "ligand", keep_ghosts=False)
        laid_out = lay_out_model_box(affinity.ligand, ligand, affinity.model.cluster, level)
        maker = GpawStaticMaker(
            level=level,
            box=fit_box(laid_out, [molecule], level),
            store=self.store,
            cores=self.cores,
            retry=self.retry,
        )
        title = f"{affinity.ligand} + {affinity.metal}, {variant}"
        with_ghosts = self.counterpoise and level.parameters.get("mode") == "lcao"
        jobs: list[Job] = []
        documents = {}
        for role, fragment, ghosts in _PARTS + (_GHOSTS if with_ghosts else ()):
            single = maker.make(
                molecule, label=f"{role}: {title}", fragment=fragment, with_ghosts=ghosts
            )
            single.name = f"{role}: {title}"
            jobs.append(single)
            documents[role] = single.output
        last = assemble_interaction(affinity, variant, level, documents, store=self.store)
        last.name = title
        return Flow([*jobs, last], output=last.output, name=title)


@job(output_schema=InteractionEnergy)
def assemble_interaction(
    affinity: Affinity,
    variant: str,
    level: Level,
    parts: Mapping[str, CalculationDocument],
    store: str | None = None,
) -> InteractionEnergy:
    """Job: put one interaction energy together from finished calculations, and store it.

    Parameters
    ----------
    affinity : Affinity
        Whose relaxed complex the geometry is of.
    variant : str
        What the level changes.
    level : Level
        Of the parts.
    parts : mapping of str to CalculationDocument
        "complex", "frozen-ligand", "frozen-cluster", perhaps "ghost-ligand", "ghost-cluster".
    store : str, optional
        Folder of the store; by default POMDFT_STORE.
    """
    affinity, level = Affinity.model_validate(affinity), Level.model_validate(level)
    energy = {role: part.result.energy_ev for role, part in parts.items()}
    corrected = None
    if "ghost-ligand" in energy:
        corrected = energy["complex"] - energy["ghost-ligand"] - energy["ghost-cluster"]
    keys = {role: part.key for role, part in parts.items()}
    keys["geometry"] = affinity.calculations["complex"]
    document = InteractionEnergy(
        key=canonical_hash({"interaction": keys}),
        **affinity.model.model_dump(include={"ligand", "metal", "cluster", "site", "charge_model"}),
        variant=variant,
        level=level,
        energy_ev=energy["complex"] - energy["frozen-ligand"] - energy["frozen-cluster"],
        counterpoise_energy_ev=corrected,
        calculations=keys,
    )
    return keep_document(store_root(store), document)


def relaxed_complex(affinity: Affinity, store: ResultStore) -> Molecule:
    """Return the relaxed complex of an affinity with its fragments, in the docking frame.

    Parameters
    ----------
    affinity : Affinity
        Its calculations are in the store or shipped.
    store : ResultStore

    Returns
    -------
    pymatgen Molecule
        With site property "fragment" and property "fragment_states".

    Raises
    ------
    NotComputedError
        The calculation of the complex is neither in the store nor shipped.
    InputError
        The complex is not built like that, or not in that cell, by this version.
    """
    request, result = read_calculation(store, affinity.calculations["complex"])
    model = affinity.model
    names = (model.ligand, model.metal, model.cluster, model.site, model.charge_model)
    plan = plan_affinity(*names, level=affinity.level)
    poses = plan.complexes
    if model.orientation not in {pose.properties["orientation"] for pose in poses}:
        poses = plan_affinity(*names, level=affinity.level, orientations=MANY_POSES).complexes
    built = next((m for m in poses if m.properties["orientation"] == model.orientation), None)
    # The box is the same for all poses, so the shift of its origin is too.
    if (
        built is None
        or request.model.cell_angstrom != plan.box.cell_angstrom
        or list(request.model.symbols) != [site.specie.symbol for site in built]
    ):
        raise InputError(
            f"This version builds the complex of {affinity!r} otherwise.", "Compute it again."
        )
    positions = np.array(result.positions_angstrom) - np.array(plan.box.origin_angstrom)
    return with_positions(built, positions)
