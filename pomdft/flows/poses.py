"""Several starts of one complex in a flow: the lowest goes on, failed ones are left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jobflow import Flow, Job, OnMissing, job

from pomdft.errors import CalculationError
from pomdft.flows.documents import CalculationDocument
from pomdft.schemas.poses import choose_pose, name_other_poses

_CHOICE = "choose orientation: "


class ChosenPose(CalculationDocument):
    """The pose that counts, and which others were computed.

    Attributes
    ----------
    other_poses : dict of str
        Role ("other-pose-1" ...) -> key of those that came out higher or met the same minimum.
    """

    other_poses: dict[str, str]


def choose_among(poses: Sequence[Any], title: str) -> Job:
    """Return the job that chooses among poses of one complex, see `choose_lowest`.

    Where there are several it runs although some have failed.

    Parameters
    ----------
    poses : sequence
        Outputs of the jobs that compute them.
    title : str
        What the complex is.
    """
    chosen = choose_lowest(list(poses), title)
    chosen.name = f"{_CHOICE}{title}"
    if len(poses) > 1:
        chosen.config.on_missing_references = OnMissing.NONE
    return chosen


def list_poses(flow: Flow) -> dict[str, tuple[str, ...]]:
    """Return the uuids of the jobs whose poses a flow chooses among, by what the complex is.

    Ask before it runs: Jobflow then puts results in place of the references.

    Parameters
    ----------
    flow : Flow
        The choices are its own jobs, not those of flows in it.
    """
    jobs = [part for part in flow.jobs if isinstance(part, Job) and part.name.startswith(_CHOICE)]
    return {part.name.removeprefix(_CHOICE): part.input_uuids for part in jobs}


def name_lost_poses(poses: Mapping[str, Sequence[str]], finished: Collection[str]) -> list[str]:
    """Return in words which poses have failed, one entry a complex.

    Parameters
    ----------
    poses : mapping of str to sequence of str
        From `list_poses`.
    finished : collection of str
        Uuids of the jobs that succeeded.
    """
    lost = {title: sum(uuid not in finished for uuid in uuids) for title, uuids in poses.items()}
    return [f"{n} of {len(poses[title])} poses of {title}" for title, n in lost.items() if n]


@job(output_schema=ChosenPose)
def choose_lowest(documents: list[CalculationDocument | None], title: str) -> ChosenPose:
    """Job: return the pose with the lowest energy.

    Of those that have met the same minimum it is the first one (`pomdft.schemas.poses`).

    Parameters
    ----------
    documents : list of CalculationDocument or None
        Of the complex; None where a pose has failed.
    title : str
        What the complex is.

    Raises
    ------
    CalculationError
        All have failed.
    """
    computed = [document for document in documents if document is not None]
    if not computed:
        raise CalculationError(
            f"None of the {len(documents)} poses of {title} was computed.",
            "Each has a reason of its own, above; `pomdft status` lists them.",
        )
    best = computed[choose_pose([document.energy_ev for document in computed])]
    others = name_other_poses([document.key for document in computed], best.key)
    return ChosenPose(**{**dict(best), "other_poses": others})
