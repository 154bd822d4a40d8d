"""Run directories: what the fingerprint covers, who may train, and which files belong together."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mimicrl import artifacts, runs
from mimicrl.errors import ArtifactError, ConfigError, MachineError, RunLocked
from mimicrl.runs import RunDirectory, fingerprint

HASHES = {"motion_sha256": "a" * 64, "walker_sha256": "b" * 64}
STRETCHED = {"kind": "linear", "start": 1e-3, "end": 1e-4, "samples": None}

COVERED: list[dict[str, Any]] = [
    {"seed": 2},
    {"mdp": {"control_hz": 25}},
    {"mdp": {"mirroring": "none"}},
    {"mdp": {"rewards": {"pose": {"weight": 0.45, "scale": 2.0}}}},
    {"mdp": {"terminations": {"fall": {"tilt_rad": 0.7}}}},
    {"training": {"learning_rate": {"kind": "constant", "start": 1e-3}}},
    {"training": {"clip_range": {"kind": "constant", "start": 0.1}}},
    {"training": {"n_envs": 8}},
    {"training": {"n_epochs": 3}},
    {"training": {"vec_env": "dummy"}},
    {"training": {"max_kl": 4.0}},
    {"training": {"actor": [16]}},
    {"evaluation": {"interval": 512}},
    {"evaluation": {"episodes": 5}},
    {"evaluation": {"seconds": 1.0}},
    {"evaluation": {"stable_distance_m": 14.0}},
]
LEFT_OUT: list[dict[str, Any]] = [
    {"study": "other"},
    {"experiment": "other"},
    {"walker": {"name": "mine", "file": "mine.xml"}},
    {"motion": {"speed_mps": 1.0}},
    {"motion": {"file": "walk.npz"}},
    {"logging": {"tensorboard": True}},
    {"logging": {"wandb": "offline"}},
    {"logging": {"wandb_project": "x"}},
    {"training": {"checkpoint_interval": 7}},
    {"training": {"cores": 4}},
    {"training": {"total_timesteps": 4096}},
]


@pytest.mark.parametrize("changes", COVERED)
def test_the_fingerprint_covers(tiny, changes: dict[str, Any]) -> None:
    assert fingerprint(tiny(**changes), **HASHES) != fingerprint(tiny(), **HASHES)


@pytest.mark.parametrize("changes", LEFT_OUT)
def test_the_fingerprint_leaves_out(tiny, changes: dict[str, Any]) -> None:
    assert fingerprint(tiny(**changes), **HASHES) == fingerprint(tiny(), **HASHES)


@pytest.mark.parametrize("name", HASHES)
def test_the_fingerprint_covers_the_content_of(tiny, name: str) -> None:
    assert fingerprint(tiny(), **HASHES | {name: "c" * 64}) != fingerprint(tiny(), **HASHES)


@pytest.mark.parametrize("name", ["learning_rate", "clip_range"])
def test_the_budget_counts_where_a_schedule_stretches_with_it(tiny, name: str) -> None:
    short, long = (tiny(training={name: STRETCHED, "total_timesteps": total}) for total in (512, 1024))
    assert fingerprint(short, **HASHES) != fingerprint(long, **HASHES)


def test_the_fingerprint_names_a_folder(tiny, prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    assert len(run.fingerprint) == 12 and int(run.fingerprint, 16) >= 0
    assert run.training_directory == tmp_path / "run" / "training" / run.fingerprint
    assert run.fingerprint == fingerprint(
        tiny(),
        motion_sha256=artifacts.file_sha256(run.motion_file),
        walker_sha256=artifacts.file_sha256(run.walker_file),
    )


def test_opening_what_is_no_run_tells_how_to_make_one(tmp_path: Path) -> None:
    message = (
        rf"^not a run directory — {tmp_path} — got no config.yaml, run.json, motion.npz, walker.xml"
        rf" — mimicrl init STUDY.yaml --experiment NAME --seed K --out {tmp_path}$"
    )
    with pytest.raises(ConfigError, match=message):
        RunDirectory.open(tmp_path)


def test_opening_a_run_that_lost_a_file_names_it(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    assert RunDirectory.open(run.path) == run
    run.motion_file.unlink()
    with pytest.raises(ConfigError, match=r"got no motion.npz — "):
        RunDirectory.open(run.path)


@pytest.mark.parametrize("name", ["config.yaml", "motion.npz", "walker.xml"])
def test_an_edited_file_is_noticed(prepare, tmp_path: Path, name: str) -> None:
    run = prepare(tmp_path / "run")
    assert run.identity()["fingerprint"] == run.fingerprint
    file = run.path / name
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(
        ArtifactError,
        match=rf"^a file of the run was changed — .*{name} — got sha256 .{{12}}…, expected .{{12}}… — run mimicrl init",
    ):
        RunDirectory(run.path).identity()


@pytest.mark.parametrize("second", ["training_lock", "no_trainer"])
@pytest.mark.parametrize("first", ["training_lock", "no_trainer"])
def test_who_comes_second_is_told_who_the_first_is(prepare, tmp_path: Path, first: str, second: str) -> None:
    run = prepare(tmp_path / "run")
    verb = {"training_lock": "train", "no_trainer": "init"}[first]
    owner = rf"got mimicrl {verb} on host \S+, process {os.getpid()}, since \S+ — wait for it or stop it$"
    told = rf"^another trainer works in this run — {run.path} — {owner}"
    with getattr(run, first)(), pytest.raises(RunLocked, match=told), getattr(run, second)():
        pass
    with getattr(run, second)():
        pass


def test_a_run_has_one_lock_whatever_its_configuration(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    with run.training_lock():
        other = RunDirectory(run.path)
        other.__dict__["fingerprint"] = "0123456789ab"
        assert other.training_directory != run.training_directory
        with pytest.raises(RunLocked), other.training_lock():
            pass


def test_a_run_that_is_not_there_yet_needs_no_lock(tmp_path: Path) -> None:
    with RunDirectory(tmp_path / "run").no_trainer():
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO, errno.EINTR])
def test_a_lock_that_the_system_cannot_give_is_no_other_trainer(
    prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    run = prepare(tmp_path / "run")
    monkeypatch.setattr(runs.fcntl, "flock", flock)
    with pytest.raises(MachineError) as caught, run.training_lock():
        pass
    assert str(caught.value) == (
        f"the lock of a run cannot be taken — {run.lock_file} — got {os.strerror(number)} — "
        "put the results on a file system that has locks"
    )


def test_a_lock_that_cannot_be_written_is_told(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    run.lock_file.mkdir()
    with (
        pytest.raises(MachineError, match=rf"^cannot write a file — {run.lock_file} — got Is a directory"),
        run.training_lock(),
    ):
        pass


def test_a_run_that_was_initialised_again_is_not_the_one_that_was_read(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    assert run.identity()["fingerprint"] == run.fingerprint
    again = prepare(run.path, training={"gamma": 0.9})
    with pytest.raises(ArtifactError) as caught:
        run.identity()
    assert str(caught.value) == (
        f"the run was initialised again, or by another version of the program — {run.run_file} — "
        f"got fingerprint {again.fingerprint}, expected {run.fingerprint} — "
        "run the same command again; if that does not help, mimicrl init"
    )
    assert again.identity()["fingerprint"] == again.fingerprint


def test_an_error_while_writing_lets_trainers_in_again(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    with run.training_lock():
        pass
    with pytest.raises(KeyError), run.no_trainer():
        raise KeyError
    with run.training_lock():
        pass


def test_a_trainer_of_another_configuration_counts_as_live(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    with run.training_lock():
        with pytest.raises(RunLocked):
            prepare(run.path, training={"n_epochs": 3})
        assert RunDirectory(run.path).fingerprint == run.fingerprint, "nothing was rewritten under the trainer"


def test_the_lock_ends_with_an_error(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    with pytest.raises(KeyError), run.training_lock():
        raise KeyError
    with run.training_lock():
        pass


@pytest.mark.parametrize(("checkpoint", "suffix"), [("final", ""), ("best", "-best"), ("init", "-init")])
def test_only_the_final_policys_tables_bear_no_name(tmp_path: Path, checkpoint: Any, suffix: str) -> None:
    run = RunDirectory(tmp_path)
    assert run.episodes_file(checkpoint) == tmp_path / f"episodes{suffix}.parquet"
    assert run.gait_cycle_file(checkpoint) == tmp_path / f"gait_cycle{suffix}.parquet"
    assert run.policy_directory(checkpoint) == tmp_path / "policies" / checkpoint
