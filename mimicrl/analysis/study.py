"""Reading a study: which of its runs are finished, and what their files say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pydantic

from mimicrl import artifacts
from mimicrl.config import yaml
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.evaluation.summary import REWARD, STABLE_SHARE, EvaluationSummary, MetricSummary
from mimicrl.runs import Run
from mimicrl.runs.records import ResolvedStudy

Status = Literal["completed", "diverged", "missing"]

NO_DIRECTORY = "no run directory"
NOT_TRAINED = "not trained to its end"
CHANGED = "configuration changed since training"
NOT_EVALUATED = "not evaluated"

OUTCOME_FIGURES = (
    *("samples", "total_timesteps", "first_success_samples", "first_success_simulated_s"),
    *("train_seconds", "evaluation_seconds"),
)
"""Values of ``outcome.json`` that the tables show."""
OUTCOME_KEYS = ("status", *OUTCOME_FIGURES)
"""What ``outcome.json`` must have beside its fingerprint."""
GAIT_COLUMNS = ("joint", "phase", "mean_rad")
EVALUATION_COLUMNS = ("samples", REWARD, STABLE_SHARE)
"""What ``evaluations.parquet`` must have, unless it is empty: the budget may end before the first evaluation."""

_INIT = "mimicrl init STUDY.yaml --out DIRECTORY"
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
        summary: ``summary.json`` of a finished run, what its final evaluation came to.
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
    summary: EvaluationSummary | None = None
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
        path = Run(self.path).video_file("final.mp4")
        shown = _weights_of(self.provenance.get("replay", {}))
        present = self.policy["weights_sha256"] if self.policy else None
        return path if path.is_file() and shown in (None, present) else None

    @cached_property
    def gait_cycle(self) -> pd.DataFrame:
        """Joint angles over the gait cycle: 101 phases a joint."""
        with _repaired_by(f"mimicrl evaluate {self.path}"):
            return artifacts.read_parquet(Run(self.path).gait_cycle_file("final"), *GAIT_COLUMNS)

    @cached_property
    def evaluations(self) -> pd.DataFrame:
        """Evaluations during training, in their order; no row where the budget held none."""
        file = Run(self.path).evaluations_file
        with _repaired_by(f"mimicrl train {self.path}"):
            table = artifacts.read_parquet(file)
            if len(table):
                _require(table, EVALUATION_COLUMNS, file)
            return table


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

    @property
    def metrics(self) -> dict[str, MetricSummary]:
        """Every metric that a run has, by name, and how it is shown; runs need not have the same ones."""
        found: dict[str, MetricSummary] = {}
        for run in self.runs:
            for metric in run.summary.metrics if run.summary else ():
                found.setdefault(metric.name, metric)
        return found

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
    if not file.is_file():
        raise ConfigError("not a study directory", where=directory, got="no study.yaml", fix=_INIT)
    ResolvedStudy.refuse_older(file)
    try:
        config = yaml.parse(file.read_text(encoding="utf-8"))
    except (ConfigError, ValueError) as error:
        raise ArtifactError("not valid YAML", where=file, fix=_INIT) from error
    try:
        name = config["study"]
        asked = {key: _asked(experiment) for key, experiment in config["experiments"].items()}
        expected = [(run["experiment"], run["seed"], asked[run["experiment"]]) for run in config["expected_runs"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise ArtifactError("not a resolved study", where=file, got=repr(error), fix=_INIT) from error
    return StudyResults(directory, name, config, tuple(_load_run(directory, name, *run) for run in expected))


def _asked(experiment: dict[str, Any]) -> tuple[int, int]:
    """Return how many samples a run is to be trained with, and in how many episodes evaluated."""
    return experiment["training"]["total_timesteps"], experiment["evaluation"]["episodes"]


def _load_run(directory: Path, study: str, experiment: str, seed: int, asked: tuple[int, int]) -> RunResult:
    run = Run(directory / experiment / f"seed_{seed}")
    if not run.run_file.is_file():
        return RunResult(experiment, seed, run.path, "missing", NO_DIRECTORY)
    with _repaired_by(_INIT):
        identity = _read_mapping(run.run_file, "study", "experiment", "seed", "fingerprint")
    _refuse_other_run(run, identity, study, experiment, seed)
    found = RunResult(experiment, seed, run.path, "missing", None, identity["fingerprint"], provenance=_provenance(run))
    policy_file = run.policy_directory("final") / "policy.json"
    if not run.outcome_file.is_file() or not policy_file.is_file():
        return replace(found, problem=NOT_TRAINED)
    with _repaired_by(f"mimicrl train {run.path}"):
        outcome = _read_mapping(run.outcome_file, "fingerprint")
        if outcome["fingerprint"] != identity["fingerprint"]:
            return replace(found, problem=CHANGED)
        _require(outcome, OUTCOME_KEYS, run.outcome_file)
        if outcome["total_timesteps"] < asked[0]:  # a longer budget may leave the fingerprint as it is
            return replace(found, problem=NOT_TRAINED)
        if outcome["status"] not in ("completed", "diverged"):
            raise ArtifactError(
                "unknown outcome", where=run.outcome_file, got=outcome["status"], expected="completed or diverged"
            )
        policy = _read_mapping(policy_file, "weights_sha256")
    summary = _summary(run)
    # Not after further training, nor when the study has another number of episodes now.
    if summary is None or (summary.weights_sha256, summary.episodes) != (policy["weights_sha256"], asked[1]):
        return replace(found, problem=NOT_EVALUATED)
    return replace(
        found,
        status=outcome["status"],
        problem=outcome.get("problem"),
        outcome=outcome,
        summary=summary,
        policy=policy,
    )


def _summary(run: Run) -> EvaluationSummary | None:
    """Return what the final evaluation came to, None where there was none."""
    file = run.summary_file("final")
    if not file.is_file():
        return None
    with _repaired_by(f"mimicrl evaluate {run.path}"):
        try:
            return EvaluationSummary.model_validate_json(file.read_bytes())
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            got = ": ".join(part for part in (".".join(map(str, first["loc"])), first["msg"]) if part)
            raise ArtifactError("a file of the run is damaged", where=file, got=got) from error


def _refuse_other_run(run: Run, identity: dict[str, Any], study: str, experiment: str, seed: int) -> None:
    """Refuse a directory that was copied or renamed: its run would count twice, or as one of another experiment."""
    there = "/".join(str(identity[key]) for key in ("study", "experiment", "seed"))
    if there != f"{study}/{experiment}/{seed}":
        raise ArtifactError(
            "the directory belongs to another run",
            where=run.path,
            got=there,
            expected=f"{study}/{experiment}/{seed}",
            fix=f"move it away, then {_INIT}",
        )


def _provenance(run: Run) -> dict[str, dict[str, Any]]:
    """Return the run's records; a damaged one counts as none, as figures do not hang on it."""
    records: dict[str, dict[str, Any]] = {}
    for file in sorted((run.path / "provenance").glob("*.json")):
        if not artifacts.is_leftover(file):
            with contextlib.suppress(ArtifactError):
                records[file.stem] = _read_mapping(file)
    return records


def _read_mapping(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object that has these keys."""
    content = artifacts.read_json(path)
    if not isinstance(content, dict):
        raise ArtifactError("a file of the run is damaged", where=path, got=type(content).__name__)
    _require(content, keys, path)
    return content


def _require(content: dict[str, Any] | pd.DataFrame, names: tuple[str, ...], path: Path) -> None:
    """Refuse a file that lacks keys or columns."""
    lacking = [name for name in names if name not in content]
    if lacking:
        raise ArtifactError("a file of the run is incomplete", where=path, expected=", ".join(lacking))


@contextlib.contextmanager
def _repaired_by(command: str) -> Iterator[None]:
    """Let errors about a file name the command that makes it again."""
    try:
        yield
    except ArtifactError as error:
        raise ArtifactError(
            error.what, where=error.where, got=error.got, expected=error.expected, fix=command
        ) from error


def _weights_of(record: dict[str, Any]) -> str | None:
    """Return which weights a verb worked with, where its record tells."""
    result = record.get("result")
    return result.get("weights_sha256") if isinstance(result, dict) else None
