"""The verbs from a study's file to tables and a video, and an exit code for each way to fail."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import yaml

from mimicrl import artifacts
from mimicrl.envs.task import Task
from mimicrl.mdp.reset import reference_state
from mimicrl.rendering import viewer
from mimicrl.runs import Run, lock
from mimicrl.stages import replay as replaying

SMALL = ["--width", 64, "--height", 48, "--fps", 10]


@pytest.fixture
def trained(trained_run: Run, tmp_path: Path) -> Run:
    """A copy of the trained run."""
    shutil.copytree(trained_run.path, tmp_path / "trained")
    return Run(tmp_path / "trained")


def size(path: Path) -> tuple[int, int]:
    return next(imageio_ffmpeg.read_frames(str(path)))["size"]


def test_a_study_is_initialised_trained_and_evaluated(mimicrl: Any, study: Any, tmp_path: Path) -> None:
    out, file = tmp_path / "results" / "tiny", study()
    assert mimicrl("init", file, "--out", out) == (0, f"study of 1 runs in {out}\n", "")
    assert yaml.safe_load((out / "study.yaml").read_text())["expected_runs"] == [{"experiment": "walk", "seed": 1}]
    run = out / "walk" / "seed_1"
    done = mimicrl("init", file, "--experiment", "walk", "--seed", 1, "--out", run, "--set", "training.n_epochs=3")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"initialised in {run}, fingerprint ")
    assert Run(run).config.training.n_epochs == 3
    done = mimicrl("train", run, "--cores", 1)
    assert done.code == 0
    assert done.out.startswith("falls: 128 samples in ")
    assert "first success not reached" in done.out
    done = mimicrl("evaluate", run, "--threads", 1, "--checkpoint", "best")
    assert done.code == 0
    assert "of 4 episodes stable, imitation reward" in done.out
    assert (run / "evaluations" / "standard-best" / "episodes.parquet").exists()
    command = artifacts.read_json(run / "provenance" / "train.json")["command"]
    assert command == ["mimicrl", "train", str(run), "--cores", "1"]


def test_an_episode_is_shown_in_the_viewer(mimicrl: Any, trained: Run, monkeypatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(viewer, "show", shown.append)
    assert mimicrl("replay", trained.path, "--view", "--episode", 1) == (0, "", "")
    expected = replaying.roll_again(trained, episode=1).animation
    assert shown[0].qpos.tolist() == expected.qpos.tolist()
    assert not (trained.path / "videos").exists()


def test_a_dump_of_a_divergence_is_replayed(mimicrl: Any, run_directory: Run, tmp_path: Path) -> None:
    # A run whose episodes diverged need not have got as far as a policy.
    task = Task.of_run(run_directory)
    qpos, _ = reference_state(task.walker, task.reference.at_phase(np.linspace(0, 0.2, 4)))
    dump, out = tmp_path / "000000000128-environment-3.npy", tmp_path / "end.mp4"
    np.save(dump, qpos)
    words = ["--dump", dump, "--out", out, *SMALL]
    assert mimicrl("replay", run_directory.path, *words) == (0, f"video in {out}\n", "")
    assert size(out) == (64, 48)
    done = mimicrl("replay", run_directory.path, "--dump", tmp_path / "none.npy", "--out", out)
    assert done.code == 3
    assert done.last.startswith(f"mimicrl replay: a dump cannot be read — {tmp_path / 'none.npy'} —")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--dump", "x.npy", "--view"], "a dump is a video of one run — mimicrl replay — leave out --view and --grid"),
        (["RUN", "--grid", "--dump", "x.npy", "--out", "y.mp4"], "a dump is a video of one run — mimicrl replay — "),
        (["RUN"], "several runs need --grid — mimicrl replay — got 2, expected one run"),
        (["RUN", "--grid"], "a grid of runs needs a place — mimicrl replay — give --out FILE.mp4"),
        (["--episode", "4"], "there is no such episode — --episode — got 4, expected 0 to 3"),
        (["--out", "walk.gif", *map(str, SMALL)], "the video's ending is not that of its format — walk.gif — got .gif"),
    ],
)
def test_wrong_options_of_replay_are_code_2(mimicrl: Any, trained: Run, words: list[str], told: str) -> None:
    done = mimicrl("replay", trained.path, *(str(trained.path) if word == "RUN" else word for word in words))
    assert done.code == 2
    assert done.err.startswith(f"mimicrl replay: {told}")
    assert not (trained.path / "videos").exists()


@pytest.mark.fault(45)
@pytest.mark.parametrize("verb", ["train", "evaluate", "replay"])
def test_what_is_no_run_is_code_2_and_an_untrained_one_code_3(
    mimicrl: Any, run_directory: Run, tmp_path: Path, verb: str
) -> None:
    done = mimicrl(verb, tmp_path)
    assert done.code == 2
    assert done.last.startswith(f"mimicrl {verb}: not a run directory — {tmp_path} — got no config.yaml")
    done = mimicrl(verb, run_directory.path, *(["--resume", "must", "--cores", 1] if verb == "train" else []))
    assert done.code == 3
    told = "there is no checkpoint to continue from" if verb == "train" else "a file of the run cannot be read"
    assert done.last.startswith(f"mimicrl {verb}: {told} — ")


@pytest.mark.fault(33)
def test_a_place_that_cannot_be_written_is_code_5(mimicrl: Any, run_directory: Run) -> None:
    (run_directory.path / "training").write_text("a plain file")
    done = mimicrl("train", run_directory.path, "--cores", 1)
    folder = run_directory.training.checkpoints_directory
    assert done.code == 5
    assert done.last == (
        f"mimicrl train: a checkpoint cannot be read — {folder} — got Not a directory — "
        "check the disk and the permissions, then run the same command again"
    )


def test_a_divergence_is_code_4_by_hand_and_0_when_recorded(mimicrl: Any, prepare, tmp_path: Path) -> None:
    rate = {"kind": "constant", "start": 1e3, "end": None, "samples": None}
    run = prepare(tmp_path / "run", training={"learning_rate": rate}).path
    done = mimicrl("train", run, "--cores", 1)
    assert done.code == 4
    assert done.last.startswith("mimicrl train: ")
    assert "lower the learning rate" in done.last
    done = mimicrl("train", run, "--cores", 1, "--record-divergence")
    assert done.code == 0
    assert done.out.startswith("diverged: 128 samples in ")


def test_a_run_in_training_is_code_6(mimicrl: Any, run_directory: Run, study: Any) -> None:
    with lock.hold(run_directory.lock_file, "mimicrl train"):
        done = mimicrl("train", run_directory.path)
        assert done.code == 6
        assert done.last.startswith("mimicrl train: another process works in this run — ")
        words = ["--experiment", "walk", "--seed", 1, "--out", run_directory.path]
        done = mimicrl("init", study(), *words)
        assert done.code == 6
        assert done.last.startswith("mimicrl init: another process works in this run — ")
