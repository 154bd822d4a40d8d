"""Made-up studies: all the files that the analysis reads, without any training."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
from run_folders import finish, make_run

from mimicrl import artifacts, yaml
from mimicrl.analysis.load import StudyResults, load_results
from mimicrl.config import StudyConfig
from mimicrl.runs import Run, Study
from mimicrl.runs.records import Code, Cpu, Image, PolicyDescription, Provenance
from mimicrl.runs.summary import EvaluationSummary, MetricSummary

JOINTS = tuple(f"{angle}_{side}" for side in "rl" for angle in ("hip_flexion", "knee_flexion"))
EVALUATIONS = 8
USUAL: dict[str, Any] = {
    **{"unit": "", "digits": 2, "scale": 1.0, "better": "higher", "headline": True},
    **{"target": None, "bounds": None},
}
METRICS: dict[str, dict[str, Any]] = {
    "stable_share": {"heading": "Stable episodes", "unit": "%", "digits": 1, "scale": 100.0, "bounds": (0.0, 1.0)},
    "reward": {"heading": "Imitation reward", "digits": 3},
    "speed_mps": {"heading": "Speed", "unit": "m/s", "target": "reference_speed_mps"},
    "joint_error_deg": {"heading": "Joint error", "unit": "°", "digits": 1, "better": "lower"},
    "distance_m": {"heading": "Distance", "unit": "m", "better": "none", "headline": False},
}
"""How the made-up metrics are shown, where that is not as usual."""


class Options(NamedTuple):
    """What a study's runs are like; see `make_study`."""

    budget: int = 400_000
    episodes: int = 20
    figures: Mapping[tuple[str, int], Mapping[str, Any]] = {}
    provenance: Mapping[tuple[str, int], Mapping[str, Any]] = {}


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Makes a study's folder.

    ``make_study({"walk": {1: "completed", 2: "diverged", 3: "not evaluated"}})`` has one run for each seed: completed,
    diverged, or unfinished: no directory, not trained, changed, not evaluated, trained since (its evaluation is of
    other weights). Options: ``directory``, ``name`` of the study, ``budget`` in samples, ``episodes`` per run;
    ``figures={("walk", 1): {"reward": 0.9}}`` sets values of a run's outcome, summary and metrics;
    ``provenance={("walk", 2): {"host": "x"}}`` sets values of its records.
    """

    def make(
        runs: Mapping[str, Mapping[int, str]] | None = None,
        *,
        directory: Path | None = None,
        name: str = "made-up",
        **options: Any,
    ) -> Path:
        folder = directory or tmp_path / "results" / name
        write_study(folder, name, runs or {"walk": dict.fromkeys((1, 2, 3), "completed")}, Options(**options))
        return folder

    return make


@pytest.fixture
def results(make_study: Callable[..., Path]) -> StudyResults:
    """A study with a diverged seed, an experiment of too few seeds for an interval, and one without a finished run."""
    states = {
        "walk": {1: "completed", 2: "completed", 3: "diverged", 4: "not trained"},
        "torque": {1: "completed", 2: "completed"},
        "none": {1: "no directory"},
    }
    return load_results(make_study(states))


@pytest.fixture
def film() -> Callable[..., Path]:
    """Makes a video of a test pattern: ``film(path, seconds=1, size="64x48")``."""

    def make(path: Path, seconds: int = 1, size: str = "64x48") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pattern = ["-f", "lavfi", "-i", f"testsrc=duration={seconds}:size={size}:rate=30", "-pix_fmt", "yuv420p"]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *pattern, str(path)], check=True)
        return path

    return make


def write_study(directory: Path, name: str, runs: Mapping[str, Mapping[int, str]], options: Options) -> None:
    experiments = {
        experiment: {
            "seeds": list(states),
            "training": {"total_timesteps": options.budget},
            "evaluation": {"episodes": options.episodes},
        }
        for experiment, states in runs.items()
    }
    study = StudyConfig.model_validate_json(json.dumps({"study": name, "experiments": experiments}))
    expected = [{"experiment": experiment, "seed": seed} for experiment, seed in study.runs()]
    resolved = {"format": 1} | study.model_dump(mode="json", exclude_none=True) | {"expected_runs": expected}
    folder = Study(directory)
    artifacts.write_bytes(folder.study_file, yaml.dump(resolved).encode())
    for experiment, seed in study.runs():
        if runs[experiment][seed] != "no directory":
            write_run(folder.run(experiment, seed), (experiment, seed), name, runs[experiment][seed], options)


def write_run(run: Run, key: tuple[str, int], study: str, state: str, options: Options) -> None:
    experiment, seed = key
    changes, records = dict(options.figures.get(key, {})), options.provenance.get(key, {})
    generator = np.random.default_rng([seed, *experiment.encode()])
    fingerprint = artifacts.sha256(f"{study} {experiment} {seed}".encode())[:12]
    names = {"study": study, "experiment": experiment, "seed": seed}
    make_run(run.path, **names, total_timesteps=options.budget, fingerprint=fingerprint)
    for stage in ("init", "train"):
        record(stage, **records).write(run.provenance_file(stage))
    if state == "not trained":
        return
    diverged = state == "diverged"
    samples = options.budget // 2 if diverged else options.budget
    training = evaluations(generator, samples)
    first = None if diverged else training["samples"].tolist()[EVALUATIONS - 3]
    outcome = {
        "samples": samples,
        "total_timesteps": options.budget,
        "fingerprint": "0" * 12 if state == "changed" else fingerprint,
        "first_success_samples": first,
        "first_success_simulated_s": first and first / 50,
        "train_seconds": training["training_seconds"].tolist()[-1],
        "problem": "an update went too far — update 7 — got KL 12.0, expected at most 5.0" if diverged else None,
    }
    outcome |= {name: changes.pop(name) for name in outcome if name in changes}
    finish(run, "diverged" if diverged else "completed", **outcome)
    weights = artifacts.sha256(str(key).encode())
    PolicyDescription(format=1, weights_sha256=weights, activation="relu", clip_observation=10.0).write(
        run.description_file("final")
    )
    artifacts.write_bytes(run.evaluations_file, artifacts.parquet_bytes(training))
    if state != "not evaluated":
        evaluated = "0" * 64 if state == "trained since" else weights
        record("evaluate", **records).write(run.provenance_file("evaluate"))
        summary(generator, evaluated, options.episodes, diverged, changes).write(run.summary_file("final"))
        artifacts.write_bytes(run.gait_cycle_file("final"), artifacts.parquet_bytes(gait_cycle(generator)))


def record(stage: str, **changes: Any) -> Provenance:
    """Return a made-up record of a stage."""
    blank: dict[str, Any] = {
        "verb": stage,
        "command": ["mimicrl", stage, "run"],
        "started": "2026-01-01T12:00:00+00:00",
        "ended": "2026-01-01T12:05:00+00:00",
        "code": Code(sha256="c0de" * 16, commit="abc123" * 6 + "abcd", dirty=False),
        "lock_sha256": "10cc" * 16,
        "container": Image(sha256="none"),
        "host": "node1",
        "slurm_job": None,
        "python": "3.11.7",
        "platform": "Linux",
        "cpu": Cpu(model="Made-up CPU", vector_instructions=["avx2"], cores=2),
        "graphics_cards": [],
        "threads": {"physics": 1, "torch": 1},
        "peak_memory_mb": 100,
        "environment": {},
        "versions": {"mimicrl": "0.1.0", "mujoco": "4.0.0"},
        "outputs": {},
    }
    return Provenance(**blank | changes)


def evaluations(generator: np.random.Generator, samples: int) -> pd.DataFrame:
    progress = np.arange(1, EVALUATIONS + 1) / EVALUATIONS
    return pd.DataFrame(
        {
            "samples": (samples * progress).astype(int),
            "training_seconds": samples / generator.normal(4000, 100) * progress,
            "stable_share": np.where(np.arange(EVALUATIONS) >= EVALUATIONS - 3, 1.0, 0.0),
            "reward": 0.94 - 0.5 * (1 - progress) ** 2 + generator.normal(0, 0.01, EVALUATIONS),
        }
    )


def summary(
    generator: np.random.Generator, weights: str, episodes: int, diverged: bool, changes: Mapping[str, Any]
) -> EvaluationSummary:
    """Walks of about 1.2 m/s and a reward of about 0.93; of a diverged training, falls."""
    speed = generator.normal(1.2, 0.02)
    values = {
        "stable_share": 0.0 if diverged else 1.0,
        "reward": generator.normal(0.55 if diverged else 0.93, 0.01),
        "speed_mps": speed,
        "joint_error_deg": generator.uniform(2, 5),
        "distance_m": speed * (2.0 if diverged else 20.0),
    }
    values |= {name: value for name, value in changes.items() if name not in EvaluationSummary.model_fields}
    metrics = [
        USUAL
        | {"heading": name, "meaning": f"Made-up {name}."}
        | METRICS.get(name, {})
        | {"name": name, "value": value}
        for name, value in values.items()
    ]
    content: dict[str, Any] = {
        "checkpoint": "final",
        "weights_sha256": weights,
        "episodes": episodes,
        "stable_episodes": 0 if diverged else episodes,
        "stable_distance_m": 15.0,
        "reference_speed_mps": 1.25,
        "ends": {"fall" if diverged else "time": episodes},
        "metrics": tuple(map(MetricSummary.model_validate, metrics)),
    }
    return EvaluationSummary(**content | {name: changes[name] for name in content if name in changes})


def gait_cycle(generator: np.random.Generator) -> pd.DataFrame:
    phase = np.linspace(0, 1, 101)
    tables = []
    for number, joint in enumerate(JOINTS):
        reference = 0.4 * np.sin(2 * np.pi * phase + number)
        known = {"joint": joint, "phase": phase, "mean_rad": reference + generator.normal(0, 0.02), "sd_rad": 0.03}
        published = {"published_mean_rad": reference, "published_sd_rad": 0.12}
        tables.append(pd.DataFrame(known | {"reference_rad": reference} | published))
    return pd.concat(tables, ignore_index=True)
