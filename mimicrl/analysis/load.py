"""Read a study: which of its runs are finished, and what their files say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mimicrl import artifacts, yaml
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import Run, Study, state
from mimicrl.runs.records import ExpectedRun, Outcome, PolicyDescription, Provenance, ResolvedStudy, RunRecord
from mimicrl.runs.state import Missing
from mimicrl.runs.summary import REWARD, STABLE_SHARE, EvaluationSummary, MetricSummary

Status = Literal["completed", "diverged", "missing"]

NOT_EVALUATED = "not evaluated"
GAIT_COLUMNS = ("joint", "phase", "mean_rad")
EVALUATION_COLUMNS = ("samples", REWARD, STABLE_SHARE)
"""What ``evaluations.parquet`` must have, unless it is empty: the budget may end before the first evaluation."""

_INIT = "mimicrl init STUDY.yaml --out DIRECTORY"
_NAMED = 3
"""How many missing runs an error names."""


@dataclass(frozen=True, eq=False)
class RunResult:
    """What is known of one expected run.

    Attributes:
        experiment: Name of its experiment.
        seed: Its seed.
        path: Its directory, which need not exist.
        status: How training ended; ``missing`` if the run is not finished.
        problem: Why it is missing, or what diverged.
        fingerprint: The training state that its configuration asks for; None without a directory.
        outcome: ``outcome.json`` of a finished run.
        summary: ``summary.json`` of a finished run: the result of its final evaluation, and the weights it is of.
        provenance: The records of the run's stages, by the file's name. Damaged ones are left out.
    """

    experiment: str
    seed: int
    path: Path
    status: Status
    problem: str | None = None
    fingerprint: str | None = None
    outcome: Outcome | None = None
    summary: EvaluationSummary | None = None
    provenance: dict[str, Provenance] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The run's name in its study."""
        return f"{self.experiment}/seed_{self.seed}"

    @property
    def finished(self) -> bool:
        """Whether it was trained to its end, diverged or not, and evaluated."""
        return self.status != "missing"

    @property
    def replay(self) -> dict[str, Any]:
        """What the record of the final policy's video says about the episode that it shows."""
        record = self.provenance.get("replay")
        return (record and record.result) or {}

    @property
    def video(self) -> Path | None:
        """The final policy's video; None if there is none, or if it shows earlier weights."""
        path = Run(self.path).video_file("final.mp4")
        present = self.summary.weights_sha256 if self.summary else None
        return path if path.is_file() and self.replay.get("weights_sha256") in (None, present) else None

    @cached_property
    def gait_cycle(self) -> pd.DataFrame:
        """Joint angles over the gait cycle: 101 phases per joint."""
        with _repaired_by(f"mimicrl evaluate {self.path}"):
            return artifacts.read_parquet(Run(self.path).gait_cycle_file("final"), *GAIT_COLUMNS)

    @cached_property
    def evaluations(self) -> pd.DataFrame:
        """Evaluations during training, in their order; without rows if the budget ended before the first one."""
        file = Run(self.path).evaluations_file
        with _repaired_by(f"mimicrl train {self.path}"):
            table = artifacts.read_parquet(file)
            lacking = [name for name in EVALUATION_COLUMNS if len(table) and name not in table]
            if lacking:
                raise ArtifactError("a table of the run lacks columns", where=file, expected=", ".join(lacking))
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
        names = dict.fromkeys(run.experiment for run in self.runs)
        return {name: tuple(run for run in self.runs if run.experiment == name) for name in names}

    @property
    def metrics(self) -> dict[str, MetricSummary]:
        """Every metric that at least one run has, by name, with how it is shown."""
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


def load_results(directory: Path) -> StudyResults:
    """Read which runs a study expects, and the small files of those runs. Large files are read when they are needed.

    Raises:
        ArtifactError: ``study.yaml`` or a file of a run is damaged, or a directory belongs to another run.
        ConfigError: The directory is no study's, or an older version of the program made it.
    """
    study = Study(directory)
    if not study.study_file.is_file():
        raise ConfigError("not a study directory", where=directory, got="no study.yaml", fix=_INIT)
    resolved = ResolvedStudy.read(study.study_file)
    config = yaml.parse(study.study_file.read_text(encoding="utf-8"))  # keeps the order of the keys, for the page
    runs = tuple(_load_run(study.run(run.experiment, run.seed), run, resolved) for run in resolved.expected_runs)
    return StudyResults(directory, resolved.study, config, runs)


def _load_run(run: Run, expected: ExpectedRun, study: ResolvedStudy) -> RunResult:
    found = RunResult(expected.experiment, expected.seed, run.path, "missing", Missing.NO_DIRECTORY.value)
    if not run.run_file.is_file():
        return found
    record = RunRecord.read(run.run_file, made_by=_INIT)
    if record.name != f"{study.study}/{expected.experiment}/{expected.seed}":
        # It was copied or renamed: its run would count twice, or for another experiment.
        raise ArtifactError(
            "the directory belongs to another run",
            where=run.path,
            got=record.name,
            expected=f"{study.study}/{expected.experiment}/{expected.seed}",
            fix=f"move it away, then {_INIT}",
        )
    found = replace(found, fingerprint=record.fingerprint, provenance=_provenance(run))
    train = f"mimicrl train {run.path}"
    outcome = Outcome.read(run.outcome_file, made_by=train) if run.outcome_file.is_file() else None
    missing = state.missing(record, outcome, study.total_timesteps(expected.experiment))
    if missing or outcome is None or not run.description_file("final").is_file():
        return replace(found, problem=(missing or Missing.NOT_TRAINED).value)
    policy = PolicyDescription.read(run.description_file("final"), made_by=train)
    file = run.summary_file("final")
    summary = EvaluationSummary.read(file, made_by=f"mimicrl evaluate {run.path}") if file.is_file() else None
    # An evaluation is out of date after further training, or if the study asks for a different number of episodes.
    asked = (policy.weights_sha256, study.experiments[expected.experiment].evaluation.episodes)
    if summary is None or (summary.weights_sha256, summary.episodes) != asked:
        return replace(found, problem=NOT_EVALUATED)
    return replace(found, status=outcome.status, problem=outcome.problem, outcome=outcome, summary=summary)


def _provenance(run: Run) -> dict[str, Provenance]:
    """Return the run's records. Damaged ones are left out, as no figure depends on them."""
    files = [file for file in sorted(run.provenance_directory.glob("*.json")) if not artifacts.is_leftover(file)]
    return {file.stem: record for file in files if (record := Provenance.find(file))}


@contextlib.contextmanager
def _repaired_by(command: str) -> Iterator[None]:
    """Let errors about a file name the command that makes the file again."""
    try:
        yield
    except ArtifactError as error:
        raise ArtifactError(
            error.what, where=error.where, got=error.got, expected=error.expected, fix=command
        ) from error
