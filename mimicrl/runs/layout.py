"""The paths of all files of a study, of a run and of its training state. No other module joins these paths.

Paths may hold wildcards, as in ``Study(path).run("{experiment}", "{seed}")``: the rules of the workflow use them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from mimicrl import artifacts
from mimicrl.config import RunConfig, load_run, plugins
from mimicrl.errors import ConfigError
from mimicrl.protocols import STANDARD
from mimicrl.runs.fingerprint import fingerprint
from mimicrl.runs.records import RunRecord
from mimicrl.walkers import library

Checkpoint = Literal["init", "best", "final"]

WEIGHTS, DESCRIPTION = "policy.safetensors", "policy.json"
"""The two files of a policy."""
RUNS_FORMATS = ("csv", "parquet")
EXPERIMENTS_FORMATS = ("csv", "md", "parquet", "tex")
HEADLINE = "headline.txt"
FIGURE_FORMATS = ("svg", "pdf", "png")
STUDY_FIGURES: tuple[str, ...] = ("learning_curves", "final_evaluation")
"""Figures of a whole study; each experiment has a `gait_figure` besides."""


def gait_figure(experiment: str) -> str:
    """Return the name of an experiment's figure of the gait cycle."""
    return f"gait_{experiment}"


class _Below:
    """A descriptor for a path below the object's folder.

    Args:
        *names: The names that lead there.
    """

    def __init__(self, *names: str) -> None:
        self._names = names

    def __get__(self, folder: _Folder, _: type) -> Path:
        return folder.path.joinpath(*self._names)


@dataclass(frozen=True)
class _Folder:
    """A folder with files of known names.

    Args:
        path: The folder.
    """

    path: Path


@dataclass(frozen=True)
class _StageFolder(_Folder):
    """A folder that stages write their results into."""

    logs_directory = _Below("logs")
    """What jobs printed."""
    provenance_directory = _Below("provenance")
    """Where results come from."""

    def log_file(self, stage: str) -> Path:
        """What the job of a stage printed."""
        return self.logs_directory / f"{stage}.log"

    def provenance_file(self, stage: str) -> Path:
        """Where the results of a stage come from."""
        return self.provenance_directory / f"{stage}.json"


@dataclass(frozen=True)
class Study(_StageFolder):
    """The folder of a study, ``results/STUDY``.

    Args:
        path: The folder.
    """

    study_file = _Below("study.yaml")
    """The resolved study and the runs it expects."""
    image_file = _Below("image.json")
    """The container's image."""
    doctor_file = _Below("doctor.json")
    """What the machine could do before training."""
    manifest_file = _Below("manifest.json")
    """What the tables were made from."""
    report_file = _Below("report.html")
    """The report."""
    tables_directory = _Below("tables")
    """The tables."""
    headline_file = _Below("tables", HEADLINE)
    """One line per experiment."""
    figures_directory = _Below("figures")
    """The figures."""

    def table_file(self, name: str) -> Path:
        """A table, such as ``runs.csv``."""
        return self.tables_directory / name

    @property
    def tables(self) -> list[Path]:
        """The tables with one row per experiment and those with one row per run, in each format."""
        formats = {"experiments": EXPERIMENTS_FORMATS, "runs": RUNS_FORMATS}
        return [self.table_file(f"{name}.{kind}") for name, kinds in formats.items() for kind in kinds]

    @property
    def figures(self) -> list[Path]:
        """The figures that are there."""
        return [file for kind in FIGURE_FORMATS for file in self.figures_directory.glob(f"*.{kind}")]

    def figure_file(self, name: str, kind: str) -> Path:
        """A figure in one of the `FIGURE_FORMATS`."""
        return self.figures_directory / f"{name}.{kind}"

    def run(self, experiment: str, seed: int | str) -> Run:
        """Return one of the study's runs."""
        return Run(self.path / experiment / f"seed_{seed}")


@dataclass(frozen=True)
class TrainingState(_Folder):
    """What a training needs to continue, and its history so far: ``training/FINGERPRINT`` of a run.

    Args:
        path: The folder.
    """

    metrics_file = _Below("metrics.jsonl")
    """Training metrics, one line per update."""
    evaluations_file = _Below("evaluations.jsonl")
    """Evaluations during training, one line each."""
    attempts_file = _Below("attempts.jsonl")
    """Attempts that have ended, one line each."""
    attempt_file = _Below("attempt.json")
    """The attempt under way, or the one that was killed."""
    checkpoints_directory = _Below("checkpoints")
    """The checkpoints."""
    policies_directory = _Below("policies")
    """The policies that belong to this training, whatever the run trains next."""
    initial_policy_directory = _Below("policies", "init")
    """The policy before training."""
    divergences_directory = _Below("diverged")
    """The last configurations of episodes in which the physics diverged."""
    wandb_directory = _Below("wandb")
    """The files of Weights & Biases."""


@dataclass(frozen=True)
class Run(_StageFolder):
    """The directory of one run, ``results/STUDY/EXPERIMENT/seed_K``.

    Configuration and fingerprint are read when they are first needed. After the run was initialised again, a new `Run`
    reads them again.

    Args:
        path: The directory.
    """

    config_file = _Below("config.yaml")
    """The resolved configuration."""
    run_file = _Below("run.json")
    """What the run is: names, hashes, seeds."""
    motion_file = _Below("motion.npz")
    """The motion clip on the walker."""
    walker_directory = _Below("walker")
    """The copy of the walker's folder."""
    walker_file = _Below("walker", library.MJCF)
    """The walker's MJCF."""
    walker_metadata_file = _Below("walker", library.METADATA)
    """What the walker's MJCF does not say: roles of joints, feet, end effectors."""
    plugins_directory = _Below(plugins.FOLDER)
    """Copies of the study's plugins."""
    lock_file = _Below("lock")
    """The lock that a trainer holds, and `mimicrl init` while it writes."""
    outcome_file = _Below("outcome.json")
    """How training ended."""
    progress_file = _Below("progress.json")
    """How far training is."""
    metrics_file = _Below("metrics.parquet")
    """Training metrics, written at the end."""
    evaluations_file = _Below("evaluations.parquet")
    """Evaluations during training, written at the end."""
    policies_directory = _Below("policies")
    """The policies."""
    videos_directory = _Below("videos")
    """The videos."""
    trainings_directory = _Below("training")
    """The training states of all configurations that the run has had."""

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Return an initialised run directory.

        Raises:
            ArtifactError: ``run.json`` is damaged.
            ConfigError: It is not a run directory, or an older version of the program made it.
        """
        run = cls(Path(path))
        needed = [run.config_file, run.run_file, run.motion_file, *run.walker_files]
        missing = [str(file.relative_to(run.path)) for file in needed if not file.is_file()]
        if missing:
            raise ConfigError(
                "not a run directory",
                where=path,
                got=f"no {', '.join(missing)}",
                fix=f"mimicrl init STUDY.yaml --experiment NAME --seed K --out {path}",
            )
        RunRecord.read(run.run_file)
        return run

    def plugin_file(self, name: str) -> Path:
        """The copy of a plugin."""
        return self.plugins_directory / name

    def policy_directory(self, checkpoint: Checkpoint) -> Path:
        """The policy before training, of the best evaluation, or at the end."""
        return self.policies_directory / checkpoint

    def weights_file(self, checkpoint: Checkpoint) -> Path:
        """The weights of a policy."""
        return self.policy_directory(checkpoint) / WEIGHTS

    def description_file(self, checkpoint: Checkpoint) -> Path:
        """What the weights of a policy are."""
        return self.policy_directory(checkpoint) / DESCRIPTION

    def evaluation_directory(self, checkpoint: Checkpoint, protocol: str = STANDARD) -> Path:
        """The evaluation of a policy after training; the one of the workflow lies in the run's own folder."""
        workflow = (checkpoint, protocol) == ("final", STANDARD)
        return self.path if workflow else self.path / "evaluations" / f"{protocol}-{checkpoint}"

    def episodes_file(self, checkpoint: Checkpoint, protocol: str = STANDARD) -> Path:
        """The episodes of an evaluation after training, one row each."""
        return self.evaluation_directory(checkpoint, protocol) / "episodes.parquet"

    def summary_file(self, checkpoint: Checkpoint, protocol: str = STANDARD) -> Path:
        """The metrics of that evaluation."""
        return self.evaluation_directory(checkpoint, protocol) / "summary.json"

    def gait_cycle_file(self, checkpoint: Checkpoint, protocol: str = STANDARD) -> Path:
        """Joint angles over the gait cycle in that evaluation."""
        return self.evaluation_directory(checkpoint, protocol) / "gait_cycle.parquet"

    def video_file(self, name: str) -> Path:
        """A video, such as ``final.mp4``."""
        return self.videos_directory / name

    @property
    def walker_files(self) -> list[Path]:
        """The files of the walker's folder."""
        return [self.walker_file, self.walker_metadata_file]

    @property
    def shown_files(self) -> list[Path]:
        """The files of a finished run that a reader may want to open."""
        return [
            *(self.config_file, self.run_file, self.outcome_file, self.evaluations_file, self.metrics_file),
            *(self.episodes_file("final"), self.summary_file("final"), self.gait_cycle_file("final")),
            *(self.description_file("final"), self.weights_file("final"), self.video_file("final.mp4")),
        ]

    @property
    def trained_files(self) -> list[Path]:
        """What a training writes at its end, besides the outcome."""
        policies: tuple[Checkpoint, ...] = ("best", "final")
        files = [file(policy) for policy in policies for file in (self.weights_file, self.description_file)]
        return [*files, self.metrics_file, self.evaluations_file]

    def training_of(self, fingerprint: str) -> TrainingState:
        """Return the training state with a fingerprint."""
        return TrainingState(self.trainings_directory / fingerprint)

    @cached_property
    def config(self) -> RunConfig:
        """The resolved configuration."""
        return load_run(self.config_file)

    @cached_property
    def fingerprint(self) -> str:
        """The name of what weights and ``best`` depend on; see `mimicrl.runs.fingerprint`."""
        return fingerprint(self.config, **self.input_hashes(self.config.plugins))

    def input_hashes(self, plugins: Iterable[str]) -> dict[str, Any]:
        """Return the sha256 of the files that weights depend on, as ``run.json`` names them.

        Args:
            plugins: The names of the run's plugins.
        """
        return {
            "motion_sha256": artifacts.file_sha256(self.motion_file),
            "walker_sha256": artifacts.files_sha256(self.walker_directory, self.walker_files),
            "plugins_sha256": {name: artifacts.file_sha256(self.plugin_file(name)) for name in plugins},
        }

    @property
    def training(self) -> TrainingState:
        """The training state that belongs to the configuration."""
        return self.training_of(self.fingerprint)

    @property
    def tensorboard_directory(self) -> Path:
        """The TensorBoard files that belong to the configuration."""
        return self.path / "tb_logs" / self.fingerprint
