"""Fixtures that several tests share: models and motions are made once and never changed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import groups
import images
import pytest
import yaml
from hypothesis import settings
from stage_calls import prepare_run
from support import TINY, Done

from mimicrl import cli, walkers
from mimicrl.config import RunConfig
from mimicrl.config.loading import deep_merge
from mimicrl.motions import MotionClip, ReferenceTrajectory, gait
from mimicrl.rendering import film, opengl
from mimicrl.runs import Run
from mimicrl.walkers import Walker

# The same examples in every run, and no deadline: a busy machine must not fail a test.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups.mark(items)


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist, `-p no:xdist`, nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> groups.GroupScheduling:
    return groups.GroupScheduling(config, log)


@pytest.fixture(scope="session")
def walker() -> Walker:
    """The bundled walker with PD servos."""
    return walkers.load("walker3d")


@pytest.fixture(scope="session")
def torque_walker() -> Walker:
    """The bundled walker with torque motors."""
    return walkers.load("walker3d", "torque")


@pytest.fixture(scope="session")
def clip(walker: Walker) -> MotionClip:
    """One cycle of the generated walk at 1.25 m/s."""
    return gait.generate(walker, 1.25)


@pytest.fixture(scope="session")
def reference(clip: MotionClip, walker: Walker) -> ReferenceTrajectory:
    """The reference trajectory of `clip`."""
    return ReferenceTrajectory(clip, walker)


@pytest.fixture(scope="session")
def motions_dir() -> Path:
    """A folder of real recordings, which the project may not carry; in CI it must be there."""
    folder = os.environ.get("MIMICRL_TEST_MOTIONS")
    if folder:
        return Path(folder).resolve(strict=True)
    reason = "set MIMICRL_TEST_MOTIONS to a folder of motion files"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., RunConfig]:
    """Makes the configuration of a run of a second; what is given changes values of its sections."""
    longer = {"training": {"total_timesteps": 512, "n_epochs": 2}, "evaluation": {"eval_freq": 256}}
    base = deep_merge(TINY, longer) | {"study": "tiny", "experiment": "walk", "seed": 1}

    def make(**changes: Any) -> RunConfig:
        return RunConfig.model_validate_json(json.dumps(deep_merge(base, changes)))

    return make


@pytest.fixture(scope="session")
def prepare(tiny: Callable[..., RunConfig]) -> Callable[..., Run]:
    """Makes a tiny run's directory: ``prepare(path, training={"n_envs": 2})``."""

    def make(path: Path, **changes: Any) -> Run:
        return prepare_run(tiny(**changes), path.parent, path)

    return make


@pytest.fixture(scope="session")
def trained_run(prepare: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A tiny run that was trained to its end, with TensorBoard files; only to be read."""
    from stage_calls import train

    run = prepare(tmp_path_factory.mktemp("trained") / "run", logging={"tensorboard": True})
    train(run, cores=1)
    return run


@pytest.fixture(scope="session")
def image() -> Path:
    """The container's image, of the sources as they are."""
    return images.image()


@pytest.fixture
def copied_run(trained_run: Run, tmp_path: Path) -> Run:
    """A copy of the trained run, to be changed: it has checkpoints of 384 and 512 samples."""
    shutil.copytree(trained_run.path, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture
def mimicrl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a command line in this process."""

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["mimicrl", *map(str, words)])
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
        monkeypatch.setenv("MIMICRL_NO_PLUGINS", "")  # which a command line may set
        # The command line keeps what MUJOCO_GL asks for to itself; afterwards both are as they were.
        monkeypatch.setattr(opengl, "_wanted", opengl._wanted)
        monkeypatch.setenv("MUJOCO_GL", os.environ.get("MUJOCO_GL", ""))
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        return Done(int(stopped.value.code or 0), out, err)

    return run


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    """Writes a study of one tiny experiment, with values changed."""

    def write(text: str | None = None, **sections: Any) -> Path:
        content = {"study": "tiny", "seeds": [1], "experiments": {"walk": TINY | sections}}
        (tmp_path / "study.yaml").write_text(text if text is not None else yaml.safe_dump(content))
        return tmp_path / "study.yaml"

    return write


@pytest.fixture
def run_directory(prepare: Callable[..., Run], tmp_path: Path) -> Run:
    return prepare(tmp_path / "run", training={"total_timesteps": 128})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The captions of the pictures that are drawn."""
    captions: list[tuple[str, ...]] = []
    real = film.caption.write
    monkeypatch.setattr(film.caption, "write", lambda frame, lines: (captions.append(lines), real(frame, lines))[1])
    return captions
