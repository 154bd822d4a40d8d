"""Reading a study: which of its runs are finished, and what their files say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mimicrl import artifacts
from mimicrl.config import yaml
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import RunDirectory

Status = Literal["completed", "diverged", "missing"]

NO_DIRECTORY = "no run directory"
NOT_TRAINED = "not trained to its end"
CHANGED = "configuration changed since training"
NOT_EVALUATED = "not evaluated"

_OUTCOME = ("status", "samples", "total_timesteps", "fingerprint", "first_success_samples", "train_seconds")
_EPISODES = (
    *("distance_m", "speed_mps", "reference_speed_mps", "duration_s", "stable", "reward"),
    *("upright", "lateral_drift_m"),
)
_NAMED = 3  # missing runs that an error names


@dataclass(frozen=True, eq=False)
class RunResult:
    """What is known of one expected run.

    Attributes:
        experiment: Name of its experiment.
        seed: Its seed.
        path: Its directory, which may not be there.
        status: How training ended; ``missing`` when the run is not finished.
        problem: Why it is missing, or what diverged.
        fingerprint: The training state that its configuration asks for; None without a directory.
        outcome: ``outcome.json`` of a finished run.
        episodes: ``episodes.parquet`` of a finished run, a row an episode.
        policy: ``policy.json`` of a finished run's final policy.
        provenance: The records of the run's verbs, by verb.
    """

    experiment: str
    seed: int
    path: Path
    status: Status
    problem: str | None = None
    fingerprint: str | None = None
    outcome: dict[str, Any] | None = None
    episodes: pd.DataFrame | None = None
    policy: dict[str, Any] | None = None
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The run's name in its study."""
        return f"{self.experiment}/seed_{self.seed}"

    @property
    def finished(self) -> bool:
        """Whether it was trained to its end, diverged or not, and evaluated."""
        return self.status != "missing"

    @property
    def video(self) -> Path | None:
        """The final policy's video, where there is one of its present weights."""
        path = RunDirectory(self.path).video_file("final.mp4")
        shown = _weights_of(self.provenance.get("replay", {}))
        present = self.policy["weights_sha256"] if self.policy else None
        return path if path.is_file() and shown in (None, present) else None

    @cached_property
    def gait_cycle(self) -> pd.DataFrame:
        """Joint angles over the gait cycle: 101 phases a joint."""
        return artifacts.read_parquet(RunDirectory(self.path).gait_cycle_file("final"), "joint", "phase", "mean_rad")

    @cached_property
    def evaluations(self) -> pd.DataFrame:
        """Evaluations during training, in their order; no row where the budget held none."""
        return artifacts.read_parquet(RunDirectory(self.path).evaluations_file)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Training metrics, a row an update."""
        return artifacts.read_parquet(RunDirectory(self.path).metrics_file)


@dataclass(frozen=True, eq=False)
class StudyResults:
    """A study's runs.

    Attributes:
        directory: The study's directory.
        name: Its name.
        config: The content of ``study.yaml``.
        runs: All expected runs, in the study's order.
    """

    directory: Path
    name: str
    config: dict[str, Any]
    runs: tuple[RunResult, ...]

    @cached_property
    def experiments(self) -> dict[str, tuple[RunResult, ...]]:
        """The runs of each experiment."""
        found: dict[str, list[RunResult]] = {}
        for run in self.runs:
            found.setdefault(run.experiment, []).append(run)
        return {name: tuple(runs) for name, runs in found.items()}

    def require_complete(self) -> None:
        """Refuse a study with missing runs.

        Raises:
            ArtifactError: Runs are missing.
        """
        missing = [run for run in self.runs if not run.finished]
        if not missing:
            return
        named = [f"{run.name} ({run.problem})" for run in missing[:_NAMED]]
        more = [f"and {len(missing) - _NAMED} more"] if len(missing) > _NAMED else []
        raise ArtifactError(
            f"{len(missing)} of {len(self.runs)} runs are missing",
            where=self.directory,
            got=", ".join(named + more),
            fix="finish them with snakemake, or pass --allow-missing",
        )


def load(directory: Path) -> StudyResults:
    """Read a study: what it expects, and the small files of its runs; the large ones are read when asked for.

    Raises:
        ArtifactError: ``study.yaml`` or a file of a run is damaged, or a directory belongs to another run.
        ConfigError: The directory is no study's.
    """
    file = directory / "study.yaml"
    again = "mimicrl init STUDY.yaml --out DIRECTORY"
    if not file.is_file():
        raise ConfigError("not a study directory", where=directory, got="no study.yaml", fix=again)
    try:
        config = yaml.parse(file.read_text(encoding="utf-8"))
    except (ConfigError, ValueError) as error:
        raise ArtifactError("not valid YAML", where=file, fix=again) from error
    try:
        name = config["study"]
        budgets = {key: value["training"]["total_timesteps"] for key, value in config["experiments"].items()}
        expected = [(run["experiment"], run["seed"], budgets[run["experiment"]]) for run in config["expected_runs"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise ArtifactError("not a resolved study", where=file, got=repr(error), fix=again) from error
    return StudyResults(directory, name, config, tuple(_load_run(directory, name, *run) for run in expected))


def _load_run(directory: Path, study: str, experiment: str, seed: int, budget: int) -> RunResult:
    run = RunDirectory(directory / experiment / f"seed_{seed}")
    if not run.run_file.is_file():
        return RunResult(experiment, seed, run.path, "missing", NO_DIRECTORY)
    identity = _read_mapping(run.run_file, "study", "experiment", "seed", "fingerprint")
    _refuse_other_run(run, identity, study, experiment, seed)
    found = RunResult(experiment, seed, run.path, "missing", None, identity["fingerprint"], provenance=_provenance(run))
    if not run.outcome_file.is_file():
        return replace(found, problem=NOT_TRAINED)
    outcome = _read_mapping(run.outcome_file, *_OUTCOME)
    if outcome["fingerprint"] != identity["fingerprint"]:
        return replace(found, problem=CHANGED)
    if outcome["total_timesteps"] < budget:  # a longer budget may leave the fingerprint as it is
        return replace(found, problem=NOT_TRAINED)
    policy = _read_mapping(run.policy_directory("final") / "policy.json", "weights_sha256")
    # Without a record it was interrupted between table and record.
    evaluated = _weights_of(found.provenance.get("evaluate", {}))
    if not run.episodes_file("final").is_file() or evaluated not in (None, policy["weights_sha256"]):
        return replace(found, problem=NOT_EVALUATED)
    if outcome["status"] not in ("completed", "diverged"):
        raise ArtifactError(
            "unknown outcome", where=run.outcome_file, got=outcome["status"], expected="completed or diverged"
        )
    return replace(
        found,
        status=outcome["status"],
        problem=outcome.get("problem"),
        outcome=outcome,
        episodes=artifacts.read_parquet(run.episodes_file("final"), *_EPISODES),
        policy=policy,
    )


def _refuse_other_run(run: RunDirectory, identity: dict[str, Any], study: str, experiment: str, seed: int) -> None:
    """Refuse a directory that was copied or renamed: its run would count twice, or as one of another experiment."""
    there = "/".join(str(identity[key]) for key in ("study", "experiment", "seed"))
    if there != f"{study}/{experiment}/{seed}":
        raise ArtifactError(
            "the directory belongs to another run", where=run.path, got=there, expected=f"{study}/{experiment}/{seed}"
        )


def _provenance(run: RunDirectory) -> dict[str, dict[str, Any]]:
    files = sorted((run.path / "provenance").glob("*.json"))
    return {file.stem: _read_mapping(file) for file in files if not artifacts.is_leftover(file)}


def _read_mapping(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object that has these keys."""
    content = artifacts.read_json(path)
    if not isinstance(content, dict):
        raise ArtifactError("a file of the run is damaged", where=path, got=type(content).__name__)
    lacking = [key for key in keys if key not in content]
    if lacking:
        raise ArtifactError("a file of the run is incomplete", where=path, expected=", ".join(lacking))
    return content


def _weights_of(record: dict[str, Any]) -> str | None:
    """Return which weights a verb worked with, where its record tells."""
    result = record.get("result")
    return result.get("weights_sha256") if isinstance(result, dict) else None
