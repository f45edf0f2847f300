from __future__ import annotations

from pomdft.schemas.poses import choose_pose, name_other_poses, other_poses


def test_first_of_poses_that_met_one_minimum_is_taken() -> None:
    assert choose_pose([-1.0, -1.005]) == 0
    assert choose_pose([-1.0, -1.02]) == 1
    assert choose_pose([-1.0, -1.011, -1.019, -0.5]) == 1


def test_others_are_named_in_their_order() -> None:
    named = name_other_poses(["a", "b", "c"], "b")
    assert named == {"other-pose-1": "a", "other-pose-2": "c"}
    assert other_poses({"complex": "b", "ligand": "d", **named}) == named
