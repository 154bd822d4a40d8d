"""A motion is shown on the walker as it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support import read_video

from mimicrl.inspection.play import play
from mimicrl.motions import MotionClip, ReferenceTrajectory
from mimicrl.rendering.film import VideoOptions
from mimicrl.walkers import Walker


def standing(clip: MotionClip, walker: Walker) -> ReferenceTrajectory:
    """The clip as a motion that does not repeat."""
    return ReferenceTrajectory(dataclasses.replace(clip, name="once", loop="none"), walker)


@pytest.mark.parametrize(
    ("cyclic", "seconds", "fps", "length_s"),
    [(True, 2.0, 20.0, 2.0), (False, None, 100.0, 1.1), (False, 5.0, 20.0, 1.1)],
)
def test_a_motion_is_played_once_or_as_long_as_asked(
    walker: Walker,
    clip: MotionClip,
    reference: ReferenceTrajectory,
    tmp_path: Path,
    told: list[tuple[str, ...]],
    cyclic: bool,
    seconds: float | None,
    fps: float,
    length_s: float,
) -> None:
    played = reference if cyclic else standing(clip, walker)
    out = tmp_path / "motion.mp4"
    assert play(played, walker, out, VideoOptions(seconds, fps, 64, 48)) == out
    frames = read_video(out)[1]
    assert frames.shape == (round(fps * length_s), 48, 64, 3)
    assert len({frame.tobytes() for frame in frames}) > 10
    assert told[0][0] == f"{played.clip.name} on walker3d"
    assert told[-1][1] == f"1.25 m/s   {length_s:.1f} s   {1.25 * length_s:.1f} m"


def test_a_motion_that_repeats_is_played_for_ten_seconds(
    walker: Walker, reference: ReferenceTrajectory, tmp_path: Path
) -> None:
    play(reference, walker, tmp_path / "motion.mp4", VideoOptions(None, 2.0, 64, 48))
    assert len(read_video(tmp_path / "motion.mp4")[1]) == 20
