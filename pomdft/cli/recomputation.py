"""The command that computes a document again."""

from __future__ import annotations

import shlex

from pomdft.errors import PomdftError
from pomdft.schemas.affinity import Affinity
from pomdft.schemas.bulk import BulkMetal
from pomdft.schemas.dband import DBand
from pomdft.schemas.interaction import InteractionEnergy
from pomdft.schemas.ion_affinity import IonAffinity
from pomdft.schemas.level import Level
from pomdft.schemas.metal_study import DEFAULT_LAYERS, DEFAULT_REPEAT
from pomdft.schemas.protonation import ProtonationEnergy
from pomdft.schemas.reaction import ReactionEnergy
from pomdft.schemas.segregation import SegregationEnergyDocument, SubstitutionEnergyDocument
from pomdft.store.documents import StoredDocument

#: Levels that the commands take where none can be named.
_FIXED_LEVELS = {
    BulkMetal: "pw-bulk",
    DBand: "pw-d-band",
    SegregationEnergyDocument: "pw-slab",
    SubstitutionEnergyDocument: "pw-slab",
}


def find_command(document: Affinity | StoredDocument) -> str | None:
    """Return the command that computes a document in an empty store.

    Parameters
    ----------
    document : Affinity or StoredDocument

    Returns
    -------
    str or None
        None where only an input file can say it: with a level that is no preset of this version,
        or other fields that the command has no option for.
    """
    if isinstance(document, DBand) and document.facet.startswith("M"):
        return _cluster_command(document)
    if isinstance(document, InteractionEnergy):
        return _convergence_command(document)
    if not _is_preset(document.level, _FIXED_LEVELS.get(type(document))):
        return None
    words: list[str]
    match document:
        case Affinity():
            words = _affinity_words(document)
        case BulkMetal():
            words = ["metal", "bulk", document.metal]
            words += ["--cohesive"] if document.cohesive_energy_ev_per_atom is not None else []
            words += ["--ensemble"] if document.has_ensemble else []
        case DBand():
            words = ["metal", "d-band", document.metal, "--facet", document.facet]
        case SegregationEnergyDocument():
            words = ["metal", "segregation", document.host, document.solute]
            words += ["--facet", document.facet]
            words += _unless_default("--layers", str(document.layers), str(DEFAULT_LAYERS))
            words += _unless_default("--repeat", str(document.repeat[0]), str(DEFAULT_REPEAT))
        case SubstitutionEnergyDocument():
            words = ["metal", "mixing", document.host, document.solute]
        case IonAffinity():
            words = ["solution", "ions", document.ligand, document.salt]
            words += _unless_default("--site", document.site, "vacancy")
            words += _unless_default("--level", document.level.name, "lcao-water")
        case ProtonationEnergy():
            # The whole series: its length decides which atoms move.
            words = ["solution", "protonation", document.pom, "--protons", str(document.series)]
            words += ["--site", document.site]
            words += _unless_default("--level", document.level.name, "lcao-water")
    if isinstance(document, ReactionEnergy) and document.std_ev is not None:
        words.append("--ensemble")
    return shlex.join(["pomdft", *words])


def _affinity_words(affinity: Affinity) -> list[str]:
    model = affinity.model
    return [
        *("run", "--ligand", model.ligand, "--metal", model.metal),
        *_model_words(affinity),
        *_unless_default("--orientations", str(_count_orientations(affinity)), "1"),
    ]


def _model_words(affinity: Affinity) -> list[str]:
    return [*_unless_default("--level", affinity.level.name, "lcao"), *affinity.model.options]


def _count_orientations(affinity: Affinity) -> int:
    """Return how many poses have to be computed for all of the affinity to be among them."""
    from pomdft.flows.preparation import MANY_POSES, plan_affinity

    model = affinity.model
    names = (model.ligand, model.metal, model.cluster, model.site, model.charge_model)
    poses = plan_affinity(*names, level=affinity.level, orientations=MANY_POSES).complexes
    labels = [str(pose.properties.get("orientation", "")) for pose in poses]
    place = labels.index(model.orientation) + 1 if model.orientation in labels else 1
    return max(place, affinity.poses)


def _cluster_command(document: DBand) -> str | None:
    """Return the command of a cluster's d-band: it comes with the ensemble of an affinity."""
    from pomdft.prediction.queries import find_affinities

    # The bare cluster comes with each ligand; its minimum may differ a little between them.
    points = set(document.calculations.values())
    known = find_affinities(metal=document.metal, ligand=document.ligand)
    affinity = next((a for a in known if points & set(a.calculations.values())), None)
    if affinity is None or not _is_preset(document.level):
        return None
    words = ["metal", "ensemble", affinity.ligand, affinity.metal]
    return shlex.join(["pomdft", *words, *_model_words(affinity)])


def _convergence_command(document: InteractionEnergy) -> str | None:
    from pomdft.flows.convergence import CONVERGENCE_VARIANTS, choose_variants

    variant = document.variant
    known = variant in CONVERGENCE_VARIANTS
    if not known or choose_variants([variant])[variant].title != document.level.title:
        return None
    words = ["convergence", document.ligand, document.metal, "--variant", variant]
    words += _unless_default("--cluster", document.cluster, "M4")
    words += _unless_default("--site", document.site, "vacancy")
    words += _unless_default("--charge-model", document.charge_model, "protonated")
    return shlex.join(["pomdft", *words])


def _unless_default(option: str, value: str, default: str) -> list[str]:
    return [] if value == default else [option, value]


def _is_preset(level: Level, name: str | None = None) -> bool:
    from pomdft.calculations.levels import load_level

    try:
        return load_level(name or level.name).title == level.title
    except PomdftError:
        return False
