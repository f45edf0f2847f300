"""What is set up before anything is computed: molecules, box, starting geometries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jobflow import job
from pymatgen.core import Molecule

from pomdft.calculations.models import Box, fit_box, lay_out_box
from pomdft.calculations.progress import Progress
from pomdft.errors import InputError, PomdftError
from pomdft.flows.reporting import current_reporter
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.calculation import package_version
from pomdft.schemas.level import Level
from pomdft.settings import load_settings
from pomdft.store.results import ResultStore
from pomdft.structures.clusters import build_cluster
from pomdft.structures.convert import copy_molecule, with_positions
from pomdft.structures.docking import build_complexes, dock_ligand
from pomdft.structures.ligands import is_conventional
from pomdft.structures.supports import SUPPORTS, add_named_support, split_support

#: More than any ligand has orientations.
MANY_POSES = 20
#: Displacement that lets a symmetric cluster leave a saddle point, angstrom.
_RATTLE = 0.03
#: Height of a free cluster's lowest atom above the docking plane, angstrom.
_CLUSTER_HEIGHT = 2.2
#: Shapes from which free clusters of some metals start where that is not the docked one: the
#: tetramers of the coinage metals are planar (E. M. Fernandez, J. M. Soler, I. L. Garzon,
#: L. C. Balbas, Phys. Rev. B 70, 165403 (2004), doi:10.1103/PhysRevB.70.165403).
_FREE_SHAPES = {("Cu", "M4"): "M4-rhombus", ("Ag", "M4"): "M4-rhombus", ("Au", "M4"): "M4-rhombus"}
#: xTB need not be converged far: DFT takes over.
_PREPARATION_FMAX = 0.1
_PREPARATION_STEPS = 200
#: Raised when the restraints of the xTB preparation change, so that no old start is taken for new.
_PREPARATION_PROTOCOL = 2
#: The same for what keeps moving counter-cations away from the site.
_CATION_PROTOCOL = 1
#: Longest bond of an addendum to an oxygen, and of a proton to its oxygen, angstrom.
_ADDENDUM_BOND = 2.6
_PROTON_BOND = 1.2


@dataclass(frozen=True)
class AffinityPlan:
    """Models of one affinity before anything is computed.

    Attributes
    ----------
    ligand, cluster : Molecule
        The free fragments, in the docking frame.
    complexes : tuple of Molecule
        One an orientation, best first.
    box : Box
        Cell shared by all of them.
    title : str
        E.g. "W5O18 + Au4, vacancy, protonated".
    frozen : tuple of int
        Atoms of the ligand that stay at its xTB geometry, in the complex as in the free ligand.
    """

    ligand: Molecule
    cluster: Molecule
    complexes: tuple[Molecule, ...]
    box: Box
    title: str
    frozen: tuple[int, ...] = ()


def plan_affinity(
    ligand: str,
    metal: str,
    cluster: str,
    site: str,
    charge_model: str,
    *,
    level: Level,
    orientations: int = 1,
    cation: str = "Na",
) -> AffinityPlan:
    """Build the models of one affinity.

    Parameters
    ----------
    ligand, metal, cluster, site, charge_model : str
        Names as in `pomdft.build_complexes`. A cluster may lie on a support: "M4-on-graphene"
        binds to the ligand with the far side of the metal on a graphene patch, and its free form
        is the supported cluster.
    level : Level
        Gives vacuum and grid.
    orientations : int
        So many of the best orientations.
    cation : str
        Counter-cation of the charge model "alkali".

    Raises
    ------
    UnknownNameError
        A name is not known.
    StructureError
        No complex can be built without overlap.
    """
    kind, support = split_support(cluster)
    docked = dock_ligand(ligand, site, charge_model, cation=cation)
    found = build_complexes(
        ligand,
        metal,
        # A support or one group of atoms leaves it the shape it has when free, a vacancy does not.
        cluster=_free_shape(metal, kind) if _keeps_its_shape(ligand) else kind,
        site=site,
        charge_model=charge_model,
        cation=cation,
        support=support,
    )
    if not found:
        raise InputError(f"No pose of {metal} {cluster} at site {site!r} of {ligand}.")
    free_cluster = _free_cluster(metal, kind, support)
    states = {
        "ligand": _state(docked),
        "metal": _state(free_cluster),
    }
    complexes = tuple(_with_states(molecule, states) for molecule in found[:orientations])
    laid_out = lay_out_model_box(ligand, docked, cluster, level)
    box = fit_box(laid_out, [*complexes, docked, free_cluster], level)
    count = cluster.removeprefix("M")
    title = f"{ligand} + {metal}{count if count != '1' else ''}, {site}, {charge_model}"
    frozen = find_far_shell(docked) if level.relax and level.relaxation.shell == "contact" else ()
    return AffinityPlan(docked, free_cluster, complexes, box, title, frozen)


def lay_out_model_box(ligand: str, docked: Molecule, cluster: str, level: Level) -> Box:
    """Return the cell for a ligand with any metal's cluster of one kind, see `lay_out_box`.

    Parameters
    ----------
    ligand : str
        Name; under a conventional ligand a cluster hangs on one group and needs room to turn.
    docked : Molecule
        The ligand in the docking frame.
    cluster : str
        Kind of cluster, on a support or not.
    level : Level
        Gives vacuum and grid.
    """
    kind, _ = split_support(cluster)
    if not is_conventional(ligand):
        return lay_out_box(docked, kind, level)
    return lay_out_box(docked, _widest_shape(kind), level, swings=True)


def find_far_shell(ligand: Molecule) -> tuple[int, ...]:
    """Return the atoms of a docked polyoxometalate that the metal hardly feels.

    Free are the contact oxygens, the addenda bonded to them, and these addenda's oxygens that
    carry no proton: protons turn easily, and a turn in the complex that the free ligand does not
    make would be counted as binding. Other ligands are free altogether.

    Parameters
    ----------
    ligand : Molecule
        As from `dock_ligand`.

    Returns
    -------
    tuple of int
        Indices to freeze, sorted.
    """
    roles = ligand.site_properties["role"]
    site = ligand.properties.get("site")
    if "addendum" not in roles or not isinstance(site, dict):
        return ()
    contacts = set(site["oxygen_indices"])
    distances = ligand.distance_matrix
    oxygens = [i for i, atom in enumerate(ligand) if atom.specie.symbol == "O"]
    protons = [i for i, atom in enumerate(ligand) if atom.specie.symbol == "H"]
    addenda = [i for i, role in enumerate(roles) if role == "addendum"]
    near = {a for a in addenda if any(distances[a, o] < _ADDENDUM_BOND for o in contacts)}
    bare = {o for o in oxygens if all(distances[o, h] > _PROTON_BOND for h in protons)}
    shell = {o for o in bare if any(distances[o, a] < _ADDENDUM_BOND for a in near)}
    return tuple(i for i in range(len(ligand)) if i not in contacts | near | shell)


def _keeps_its_shape(ligand: str) -> bool:
    return ligand in SUPPORTS or is_conventional(ligand)


def _free_shape(metal: str, kind: str) -> str:
    return _FREE_SHAPES.get((metal, kind), kind)


def _widest_shape(kind: str) -> str:
    """Return the shape that some metals' free clusters of a kind have: one box for all metals."""
    shapes = [shape for (_, of_kind), shape in _FREE_SHAPES.items() if of_kind == kind]
    return shapes[0] if shapes else kind


def _free_cluster(metal: str, kind: str, support: str | None) -> Molecule:
    """Return the cluster above the docking plane, slightly rattled so that it can lose symmetry."""
    molecule = build_cluster(metal, _free_shape(metal, kind))
    molecule.add_site_property("fragment", ["metal"] * len(molecule))
    n_metal = len(molecule)
    molecule = add_named_support(molecule, support)
    positions = np.asarray(molecule.cart_coords, dtype=float)
    centred = positions - positions[:n_metal].mean(axis=0)
    if n_metal > 1:
        centred[:n_metal] += np.random.default_rng(0).uniform(-_RATTLE, _RATTLE, (n_metal, 3))
    centred[:, 2] += _CLUSTER_HEIGHT - centred[:, 2].min()
    return with_positions(molecule, np.round(centred, 6))


def _state(molecule: Molecule) -> dict[str, int]:
    return {
        "charge": round(molecule.charge),
        "spin_multiplicity": int(molecule.spin_multiplicity or 1),
    }


def _with_states(molecule: Molecule, states: dict[str, dict[str, int]]) -> Molecule:
    molecule = copy_molecule(molecule)
    molecule.properties["fragment_states"] = states
    return molecule


def geometry_key(molecule: Molecule, frozen: Sequence[int]) -> str:
    """Return the key under which a prepared start of this molecule is kept."""
    fixed = _find_fixed(molecule, frozen)
    return canonical_hash(
        {
            **({"cations_apart": _CATION_PROTOCOL} if _has_moving_cations(molecule, fixed) else {}),
            "symbols": [site.specie.symbol for site in molecule],
            "positions": np.round(molecule.cart_coords, 6).tolist(),
            "charge": round(molecule.charge),
            "frozen": list(fixed),
            "protocol": _PREPARATION_PROTOCOL,
            "tblite": package_version("tblite"),
            "fmax": _PREPARATION_FMAX,
            "steps": _PREPARATION_STEPS,
        }
    )


def find_prepared(
    molecule: Molecule,
    store: ResultStore,
    ligand: Molecule | None = None,
    frozen: Sequence[int] = (),
) -> Molecule | None:
    """Return the molecule at its prepared starting geometry, None if that was not made yet.

    Parameters are those of `prepare`.
    """
    if ligand is not None:
        molecule = _on_ligand(molecule, ligand)
    positions = store.find_geometry(geometry_key(molecule, frozen))
    if positions is None or len(positions) != len(molecule):
        return None
    return with_positions(molecule, np.array(positions))


def prepare(
    molecule: Molecule,
    store: ResultStore,
    ligand: Molecule | None = None,
    frozen: Sequence[int] = (),
) -> Molecule:
    """Return the molecule pre-relaxed by xTB, contacts and framework bonds held near DFT's.

    Counter-cations of a free POM find their places, but none in the vacancy, where the metal is to
    sit and where one would slip if it could. In the complex they stay there, as the far shell does:
    another arrangement would be counted as binding.

    Made once and kept: an xTB relaxation on another machine ends some 1e-6 angstrom elsewhere,
    and every later key would change.

    Parameters
    ----------
    molecule : Molecule
        As built.
    store : ResultStore
        Keeps prepared geometries.
    ligand : Molecule, optional
        For a complex: its free ligand at its minimum, from which the complex starts.
    frozen : sequence of int
        Atoms that do not move.
    """
    prepared = find_prepared(molecule, store, ligand, frozen)
    if prepared is None:
        from pomdft.structures.xtb import relax_xtb

        if ligand is not None:
            molecule = _on_ligand(molecule, ligand)
        fixed = _find_fixed(molecule, frozen)
        relaxed = relax_xtb(
            molecule,
            _PREPARATION_FMAX,
            _PREPARATION_STEPS,
            fixed=fixed,
            cations_off_site=_has_moving_cations(molecule, fixed),
        )
        positions = np.round(relaxed.cart_coords, 6)
        store.save_geometry(geometry_key(molecule, frozen), positions.tolist())
        prepared = with_positions(molecule, positions)
    return prepared


def _find_fixed(molecule: Molecule, frozen: Sequence[int]) -> tuple[int, ...]:
    """Return the atoms that an xTB start leaves where they are: those given, and cations.

    The cations of a free POM move. A conventional ligand has them at its one donor group.
    """
    roles = molecule.site_properties.get("role", ())
    if "addendum" in roles and "metal" not in molecule.site_properties.get("fragment", ()):
        return tuple(sorted(frozen))
    return tuple(sorted({*frozen, *_list_cations(molecule)}))


def _has_moving_cations(molecule: Molecule, fixed: Sequence[int]) -> bool:
    return not set(_list_cations(molecule)).issubset(fixed)


def _list_cations(molecule: Molecule) -> list[int]:
    roles = molecule.site_properties.get("role", ())
    return [i for i, role in enumerate(roles) if role == "cation"]


def _on_ligand(molecule: Molecule, ligand: Molecule) -> Molecule:
    """Return a complex with its ligand atoms, which come first, at a prepared geometry."""
    positions = np.array(molecule.cart_coords, dtype=float)
    positions[: len(ligand)] = ligand.cart_coords
    return with_positions(molecule, positions)


@job
def prepare_start(
    molecule: Molecule,
    store: str | None = None,
    ligand: Molecule | None = None,
    frozen: Sequence[int] = (),
) -> Molecule:
    """Job: see `prepare`; `store` is the folder of the store, by default POMDFT_STORE."""
    root = Path(store) if store is not None else load_settings().store
    reporter = current_reporter()
    try:
        results = ResultStore(root)
        found = find_prepared(molecule, results, ligand, frozen)
        if found is not None:
            return found
        reporter.progress(Progress("note", text=f"xTB start of {molecule.formula}"))
        return prepare(molecule, results, ligand, frozen)
    except PomdftError as error:
        reporter.fail(f"xTB start of {molecule.formula}", error)
        raise
