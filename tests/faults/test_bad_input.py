"""Bad configurations, options, motions and walkers: one clear line, the right exit code, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import Done

from mimicrl.motions import MotionClip

BASE = "study: tiny\nexperiments:\n  walk:\n"
Command = Callable[..., Done]


def refused(mimicrl: Command, study: Path, folder: Path, code: int) -> Done:
    """Check that a study's run is refused with an exit code and that nothing is written; return how it ended."""
    out = folder / "run"
    done = mimicrl("init", study, "--experiment", "walk", "--seed", 1, "--out", out)
    assert done.code == code, done.err
    assert done.last.startswith("mimicrl init: ")
    assert "Traceback" not in done.err
    assert not out.exists()
    return done


@pytest.mark.fault(28, 29)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            BASE + "    training:\n      total_timestep: 5\n",
            "study.yaml:5 experiments.walk.training.total_timestep: unknown key — did you mean total_",
        ),
        (BASE + "    training:\n      batch_size: 100\n", "n_envs × n_steps: 16 × 64 = 1024 is no multiple of 100"),
        ("study: ../../etc\nexperiments:\n  walk: {}\n", "study.yaml:1 study: "),
        (BASE.replace("walk", "../walk") + "    {}\n", "study.yaml:3 experiments.../walk: "),
        (BASE + "    training: {gamma: .nan}\n", "neither text nor a finite number"),
        ("study: [1\n", "not valid YAML"),
    ],
)
def test_a_wrong_configuration_is_code_2_and_writes_nothing(
    mimicrl: Command, study: Callable[..., Path], tmp_path: Path, text: str, told: str
) -> None:
    assert told in refused(mimicrl, study(text), tmp_path, 2).last


@pytest.mark.fault(28)
def test_all_errors_of_a_configuration_are_told_at_once(
    mimicrl: Command, study: Callable[..., Path], tmp_path: Path
) -> None:
    text = BASE + "    trainig: {}\n    evaluation:\n      episodes: 1\n      seconds: -1\n"
    done = mimicrl("init", study(text), "--out", tmp_path / "out")
    *problems, last = done.err.splitlines()
    assert done.code == 2
    assert len(problems) == 3
    assert last == f"mimicrl init: 3 errors in the configuration — {tmp_path / 'study.yaml'} — correct the lines above"
    assert any("trainig: unknown key — did you mean training?" in problem for problem in problems)


@pytest.mark.fault(27, 28)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--experiment", "walk"], "a run needs both --experiment and --seed — mimicrl init"),
        (["--set", "training.n_envs=3"], "--set changes a run, not a study — mimicrl init — edit the study's YAML"),
        (["--experiment", "wlak", "--seed", "1"], "no such experiment — study tiny — got wlak, expected one of walk"),
        (["--experiment", "walk", "--seed", "1", "--set", "seed=2"], "an override may not make it another run — --set"),
        (["--experiment", "walk", "--seed", "1", "--set", "training.n_env=3"], "unknown key — did you mean n_envs?"),
        (["--experiment", "walk", "--seed", "1", "--set", "mdp.control_hz=33"], "the control rate must divide"),
    ],
)
def test_wrong_options_are_code_2(
    mimicrl: Command, study: Callable[..., Path], tmp_path: Path, words: list[str], told: str
) -> None:
    done = mimicrl("init", study(), "--out", tmp_path / "run", *words)
    assert done.code == 2
    assert done.last.startswith("mimicrl init: ")
    assert told in done.last
    assert not (tmp_path / "run").exists()


def save(path: Path, clip: MotionClip, **changes: Any) -> None:
    """Write a clip's arrays without the checks of its constructor."""
    fields = ("name", "times_s", "root_position_w", "root_quat_w", "joint_names", "joint_angles_rad", "loop")
    arrays: dict[str, Any] = {name: np.array(getattr(clip, name)) for name in fields}
    np.savez(path, **arrays | changes)


def with_nan(clip: MotionClip) -> dict[str, Any]:
    angles = clip.joint_angles_rad.copy()
    angles[7, 2] = np.nan
    return {"joint_angles_rad": angles}


def one_frame(clip: MotionClip) -> dict[str, Any]:
    return {name: getattr(clip, name)[:1] for name in ("times_s", "root_position_w", "root_quat_w", "joint_angles_rad")}


def a_column_short(clip: MotionClip) -> dict[str, Any]:
    return {"joint_angles_rad": clip.joint_angles_rad[:, 1:]}


def back_in_time(clip: MotionClip) -> dict[str, Any]:
    times = clip.times_s.copy()
    times[[4, 5]] = times[[5, 4]]
    return {"times_s": times}


MALFORMED = {
    with_nan: "the motion has a number that is not finite — gait-1.25, frame 7, joint ",
    one_frame: "a clip needs at least two frames — gait-1.25 — got times of shape (1,)",
    a_column_short: "joint_angles_rad has the wrong shape — gait-1.25 — got (201, 7), expected (201, 8)",
    back_in_time: "times must start at 0 and rise — gait-1.25, frame 5",
}


@pytest.mark.fault(20, 22)
@pytest.mark.parametrize("change", MALFORMED)
def test_a_malformed_clip_is_code_3_and_one_line(
    mimicrl: Command, study: Callable[..., Path], clip: MotionClip, tmp_path: Path, change: Any
) -> None:
    save(tmp_path / "walk.npz", clip, **change(clip))
    done = refused(mimicrl, study(motion={"file": "walk.npz"}), tmp_path, 3)
    assert done.err.count("\n") == 1
    assert done.err.startswith(f"mimicrl init: {MALFORMED[change]}")
    done = mimicrl("motion", "inspect", tmp_path / "walk.npz")
    assert done.code == 3
    assert done.err.startswith(f"mimicrl motion inspect: {MALFORMED[change]}")


UNFIT = {
    "a motion that ends": ({"motion": {"file": "once.npz"}}, "the motion does not repeat, and walking must — "),
    "a motion in millimetres": ({"motion": {"file": "big.npz"}}, "the motion cannot be a walk — gait-1.25, the root's"),
    "no motion": (
        {"motion": {"file": "onec.npz"}},
        "no such motion file — {folder}/onec.npz — beside it: big.npz, once.npz",
    ),
    "no walker's file": (
        {"walker": {"file": "absent.xml"}},
        "cannot read a walker's file — {folder}/absent.xml — got ",
    ),
    "a binary walker": (
        {"walker": {"file": "once.npz"}},
        "cannot read a walker's file — {folder}/once.npz — got 'utf-8'",
    ),
    "an unknown walker": ({"walker": {"name": "walker4d"}}, "no such walker — walker4d"),
    "a walker that is none": ({"walker": {"name": "mine", "file": "mine.xml"}}, "a walker needs "),
}


@pytest.mark.fault(19, 25, 26)
@pytest.mark.parametrize("case", UNFIT)
def test_a_motion_or_walker_that_cannot_be_used_is_code_3_and_one_line(
    mimicrl: Command, study: Callable[..., Path], clip: MotionClip, tmp_path: Path, case: str
) -> None:
    save(tmp_path / "once.npz", clip, loop=np.array("none"))
    save(tmp_path / "big.npz", clip, root_position_w=1000 * clip.root_position_w)
    (tmp_path / "mine.xml").write_text("<mujoco><worldbody/></mujoco>")
    sections, told = UNFIT[case]
    done = refused(mimicrl, study(**sections), tmp_path, 3)
    assert done.err.count("\n") == 1
    assert done.last.startswith(f"mimicrl init: {told.format(folder=tmp_path)}")
