"""Made-up studies: all the files that the analysis reads, and no training."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest

from mimicrl import artifacts
from mimicrl.analysis.study import StudyResults, load
from mimicrl.config import StudyConfig, yaml

_ANGLES = ("hip_flexion", "hip_adduction", "knee_flexion", "ankle_dorsiflexion")
JOINTS = tuple(f"{angle}_{side}" for side in "rl" for angle in _ANGLES)
TERMS = ("pose", "velocity", "root")
METRICS: dict[str, dict[str, Any]] = {
    "stable_share": {"heading": "Stable episodes", "unit": "%", "digits": 1, "scale": 100.0, "bounds": (0.0, 1.0)},
    "reward": {"heading": "Imitation reward", "digits": 3},
    "speed_mps": {"heading": "Speed", "unit": "m/s", "target": "reference_speed_mps"},
    "joint_error_deg": {"heading": "Joint error", "unit": "°", "digits": 1, "better": "lower"},
    "upright": {"heading": "Upright", "headline": False},
    "distance_m": {"heading": "Distance", "unit": "m", "better": "none", "headline": False},
} | {f"reward_{term}": {"heading": f"Reward for {term}", "digits": 3, "headline": False} for term in TERMS}
"""How the made-up metrics are shown, where that is not as usual."""
EVALUATIONS = 8

Key = tuple[str, int]
Runs = Mapping[str, Mapping[int, str]]


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Makes a study's folder.

    ``make_study({"walk": {1: "completed", 2: "diverged", 3: "not evaluated"}})`` has one run for each seed: completed,
    diverged, or unfinished: no directory, not trained, changed, not evaluated, trained since (its evaluation is of
    other weights). Options: ``directory``, ``name`` of the study, ``budget`` in samples, ``episodes`` a run;
    ``figures={("walk", 1): {"reward": 0.9}}`` sets values of a run's summary, its metrics and its outcome;
    ``provenance={("walk", 2): {"container": {"sha256": "x"}}}`` sets values of its records.
    """

    def make(runs: Runs | None = None, *, directory: Path | None = None, name: str = "made-up", **options: Any) -> Path:
        return write_study(directory or tmp_path / "results" / name, runs, name=name, **options)

    return make


@pytest.fixture
def results(make_study: Callable[..., Path]) -> StudyResults:
    """A study with a diverged seed, an experiment of too few seeds for an interval, and one without a finished run."""
    states = {
        "walk": {1: "completed", 2: "completed", 3: "diverged", 4: "not trained"},
        "torque": {1: "completed", 2: "completed"},
        "none": {1: "no directory"},
    }
    return load(make_study(states))


@pytest.fixture
def film() -> Callable[..., Path]:
    """Makes a video of a test pattern: ``film(path, seconds=1, size="64x48")``."""

    def make(path: Path, seconds: int = 1, size: str = "64x48") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pattern = ["-f", "lavfi", "-i", f"testsrc=duration={seconds}:size={size}:rate=30", "-pix_fmt", "yuv420p"]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *pattern, str(path)], check=True)
        return path

    return make


def write_study(
    directory: Path,
    runs: Runs | None = None,
    *,
    name: str = "made-up",
    budget: int = 400_000,
    episodes: int = 20,
    figures: Mapping[Key, Mapping[str, Any]] | None = None,
    provenance: Mapping[Key, Mapping[str, Any]] | None = None,
) -> Path:
    runs = runs or {"walk": {1: "completed", 2: "completed", 3: "completed"}}
    content = {
        "study": name,
        "experiments": {
            experiment: {
                "seeds": list(states),
                "training": {"total_timesteps": budget},
                "evaluation": {"episodes": episodes},
            }
            for experiment, states in runs.items()
        },
    }
    study = StudyConfig.model_validate_json(json.dumps(content))
    expected = [{"experiment": experiment, "seed": seed} for experiment, seed in study.runs()]
    resolved = {"format": 1} | study.model_dump(mode="json", exclude_none=True) | {"expected_runs": expected}
    artifacts.write_text(directory / "study.yaml", yaml.dump(resolved))
    for experiment, seed in study.runs():
        state, key = runs[experiment][seed], (experiment, seed)
        if state != "no directory":
            changes = dict((figures or {}).get(key, {}))
            records = dict((provenance or {}).get(key, {}))
            _write_run(directory / experiment / f"seed_{seed}", name, key, state, budget, episodes, changes, records)
    return directory


def _write_run(
    path: Path,
    study: str,
    key: Key,
    state: str,
    budget: int,
    episodes: int,
    changes: dict[str, Any],
    records: dict[str, Any],
) -> None:
    experiment, seed = key
    generator = np.random.default_rng([seed, *experiment.encode()])
    fingerprint = artifacts.sha256(f"{study} {experiment} {seed}".encode())[:12]
    identity = (
        {
            "format": 1,
            "study": study,
            "experiment": experiment,
            "seed": seed,
            "total_timesteps": budget,
            "seeds": {},
            "fingerprint": fingerprint,
        }
        | dict.fromkeys(("motion_sha256", "walker_sha256", "config_sha256"), "")
        | {"plugins_sha256": {}}
    )
    _json(path / "run.json", identity)
    for verb in ("init", "train"):
        _json(path / "provenance" / f"{verb}.json", _record(verb) | records)
    if state == "not trained":
        return
    diverged = state == "diverged"
    samples = budget // 2 if diverged else budget
    training = _evaluations(generator, samples)
    outcome = _outcome(diverged, samples, budget, training) | {"fingerprint": fingerprint}
    if state == "changed":
        outcome["fingerprint"] = "0" * 12
    _json(path / "outcome.json", outcome | {name: changes.pop(name) for name in outcome if name in changes})
    policy = {
        "format": 1,
        "weights_sha256": artifacts.sha256(str(key).encode()),
        "activation": "relu",
        "clip_observation": 10.0,
        "fingerprint": fingerprint,
        "samples": samples,
    }
    _json(path / "policies" / "final" / "policy.json", policy)
    artifacts.write_parquet(path / "evaluations.parquet", training)
    artifacts.write_parquet(path / "metrics.parquet", _metrics(generator, samples))
    if state != "not evaluated":
        evaluated = "0" * 64 if state == "trained since" else policy["weights_sha256"]
        _json(path / "provenance" / "evaluate.json", _record("evaluate") | records)
        summary = _summary(generator, episodes, diverged, changes) | {"weights_sha256": evaluated}
        _json(path / "summary.json", summary)
        artifacts.write_parquet(path / "gait_cycle.parquet", _gait_cycle(generator))


def _record(verb: str) -> dict[str, Any]:
    return {
        "verb": verb,
        "command": ["mimicrl", verb, "run"],
        "started": "2026-01-01T12:00:00+00:00",
        "ended": "2026-01-01T12:05:00+00:00",
        "code": {"sha256": "c0de" * 16, "commit": "abc123" * 6 + "abcd", "dirty": False},
        "lock_sha256": "10cc" * 16,
        "container": {"sha256": "none"},
        "host": "node1",
        "slurm_job": None,
        "python": "3.11.7",
        "platform": "Linux",
        "cpu": {"model": "Made-up CPU", "vector_instructions": ["avx2"], "cores": 2},
        "threads": {"physics": 1, "torch": 1},
        "environment": {},
        "versions": {"mimicrl": "0.1.0", "mujoco": "4.0.0"},
    }


def _outcome(diverged: bool, samples: int, budget: int, training: pd.DataFrame) -> dict[str, Any]:
    first = None if diverged else training["samples"].tolist()[EVALUATIONS - 3]
    return {
        "status": "diverged" if diverged else "completed",
        "samples": samples,
        "total_timesteps": budget,
        "fingerprint": "",
        "first_success_samples": first,
        "first_success_simulated_s": None if first is None else first / 50,
        "best": {"samples": samples, **json.loads(training.iloc[-1].drop("samples").to_json())},
        "train_seconds": training["training_seconds"].tolist()[-1],
        "evaluation_seconds": sum(training["seconds"].tolist()),
        "problem": "an update went too far — update 7 — got KL 12.0, expected at most 5.0" if diverged else None,
    }


def _evaluations(generator: np.random.Generator, samples: int) -> pd.DataFrame:
    progress = np.arange(1, EVALUATIONS + 1) / EVALUATIONS
    samples_per_second = generator.normal(4000, 100)
    noise = generator.normal(0, 0.01, EVALUATIONS)
    return pd.DataFrame(
        {
            "samples": (samples * progress).astype(int),
            "shifted_starts": np.arange(EVALUATIONS) % 2 == 1,
            "seconds": 0.5,
            "training_seconds": samples / samples_per_second * progress,
            "cpu_seconds": samples / samples_per_second * progress,
            "stable_share": np.where(np.arange(EVALUATIONS) >= EVALUATIONS - 3, 1.0, 0.0),
            "reward": 0.94 - 0.5 * (1 - progress) ** 2 + noise,
        }
    )


def _metrics(generator: np.random.Generator, samples: int) -> pd.DataFrame:
    progress = np.arange(1, 21) / 20
    return pd.DataFrame(
        {
            "samples": (samples * progress).astype(int),
            "time/total_timesteps": samples * progress,
            "rollout/ep_rew_mean": 400 * progress + generator.normal(0, 5, 20),
            "rollout/ep_len_mean": 500 * progress,
            "train/approx_kl": 0.02 + generator.normal(0, 0.001, 20),
            "train/learning_rate": 5e-4 * (1 - progress),
        }
    )


def _summary(generator: np.random.Generator, episodes: int, diverged: bool, changes: dict[str, Any]) -> dict[str, Any]:
    """Walks of about 1.2 m/s and a reward of about 0.93; of a diverged training, falls."""
    speed, skill = generator.normal(1.2, 0.02), 0.6 if diverged else generator.normal(1.03, 0.01)
    terms = {f"reward_{term}": skill * generator.uniform(0.28, 0.32) for term in TERMS}
    values = {
        "stable_share": 0.0 if diverged else 1.0,
        "reward": sum(terms.values()),
        "speed_mps": speed,
        "joint_error_deg": generator.uniform(2, 5),
        "upright": generator.normal(0.98, 0.002),
        "distance_m": speed * (2.0 if diverged else 20.0),
    } | terms
    usual = {
        "unit": "",
        "digits": 2,
        "scale": 1.0,
        "better": "higher",
        "headline": True,
        "target": None,
        "bounds": None,
    }
    summary = {
        "checkpoint": "final",
        "episodes": episodes,
        "stable_episodes": 0 if diverged else episodes,
        "stable_distance_m": 15.0,
        "reference_speed_mps": 1.25,
        "ends": {"fall" if diverged else "time": episodes},
    }
    summary |= {name: changes[name] for name in summary if name in changes}
    values |= {name: value for name, value in changes.items() if name not in summary}
    metrics = [
        usual | {"name": name, "value": value, "meaning": f"Made-up {name}.", "heading": name} | METRICS.get(name, {})
        for name, value in values.items()
    ]
    return summary | {"metrics": metrics}


def _gait_cycle(generator: np.random.Generator) -> pd.DataFrame:
    phase = np.linspace(0, 1, 101)
    tables = []
    for number, joint in enumerate(JOINTS):
        reference = 0.4 * np.sin(2 * np.pi * phase + number)
        tables.append(
            pd.DataFrame(
                {
                    "joint": joint,
                    "phase": phase,
                    "mean_rad": reference + generator.normal(0, 0.02),
                    "sd_rad": 0.03,
                    "reference_rad": reference,
                    "published_mean_rad": reference,
                    "published_sd_rad": 0.12,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(artifacts.json_bytes(value))
