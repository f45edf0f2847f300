"""Several starts of one complex in a flow: the lowest goes on, failed ones are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobflow import Job, OnMissing, job

from pomdft.errors import CalculationError
from pomdft.flows.documents import CalculationDocument
from pomdft.schemas.poses import choose_pose, name_other_poses


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
    chosen.name = f"choose orientation: {title}"
    if len(poses) > 1:
        chosen.config.on_missing_references = OnMissing.NONE
    return chosen


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
