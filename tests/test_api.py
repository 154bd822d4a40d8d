"""The Python interface: the same run as from the command line, and nothing heavy until it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mimicrl
from mimicrl.errors import ConfigError
from mimicrl.runs import Run
from mimicrl.training.reporting.json_lines import read_json_lines


def test_training_from_a_configuration_is_the_run_of_the_command_line(tiny, trained_run: Run, tmp_path: Path) -> None:
    outcome = mimicrl.train(tiny(), tmp_path / "run")
    assert (outcome.status, outcome.samples, outcome.fingerprint) == ("completed", 512, trained_run.fingerprint)
    files = [run / "policies/final/policy.safetensors" for run in (tmp_path / "run", trained_run.path)]
    assert files[0].read_bytes() == files[1].read_bytes()
    again = mimicrl.train(tiny(), tmp_path / "run")
    attempts = read_json_lines(Run(tmp_path / "run").training.attempts_file)
    assert again.samples == 512, "continued, not repeated"
    assert [row["from"] for row in attempts] == [0, 512], "continued, not repeated"


def test_without_a_place_it_goes_to_the_results(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mimicrl.train(tiny(training={"total_timesteps": 128}, evaluation={"eval_freq": 10**6}))
    assert (tmp_path / "results/tiny/walk/seed_1/outcome.json").exists()


def test_files_are_relative_to_the_base(tiny, clip, tmp_path: Path) -> None:
    clip.save(tmp_path / "motions" / "walk.npz")
    config = tiny(motion={"file": "motions/walk.npz"}, training={"total_timesteps": 128})
    assert mimicrl.train(config, tmp_path / "run", base=tmp_path).status == "completed"


def test_a_directory_of_another_run_is_refused(tiny, prepare, tmp_path: Path) -> None:
    prepare(tmp_path / "run")
    with pytest.raises(
        ConfigError, match=r"^the directory belongs to another run — .*'seed': 1.*, expected .*'seed': 2"
    ):
        mimicrl.train(tiny(seed=2), tmp_path / "run")


def test_a_policy_is_loaded_and_acts(trained_run: Run) -> None:
    policy = mimicrl.Policy.load(trained_run.policy_directory("final"))
    action = policy.predict(np.zeros(policy.observation_size, np.float32))
    assert action.shape == (8,)
    assert (np.abs(action) <= 1).all()


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="module 'mimicrl' has no attribute 'trian'"):
        mimicrl.trian  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, mimicrl; print([name for name in ('torch', 'mujoco', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
