"""Where everything lies: the files of a study, of a run and of its training state. Nobody else joins their paths.

Paths may hold wildcards, as in ``Study(path).run("{experiment}", "{seed}")``: the rules of the workflow use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from mimicrl import artifacts
from mimicrl.config import RunConfig, load_run, plugins
from mimicrl.errors import ConfigError
from mimicrl.runs.fingerprint import fingerprint
from mimicrl.runs.records import RunRecord

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


@dataclass(frozen=True)
class Study:
    """The folder of a study, ``results/STUDY``.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def study_file(self) -> Path:
        """The resolved study and the runs it expects."""
        return self.path / "study.yaml"

    @property
    def image_file(self) -> Path:
        """The container's image."""
        return self.path / "image.json"

    @property
    def doctor_file(self) -> Path:
        """What the machine could do before training."""
        return self.path / "doctor.json"

    @property
    def manifest_file(self) -> Path:
        """What the tables were made from."""
        return self.path / "manifest.json"

    @property
    def report_file(self) -> Path:
        """The page."""
        return self.path / "report.html"

    @property
    def tables_directory(self) -> Path:
        """The tables."""
        return self.path / "tables"

    @property
    def runs_tables(self) -> list[Path]:
        """One row per run, in each format."""
        return [self.table_file(f"runs.{kind}") for kind in RUNS_FORMATS]

    @property
    def experiments_tables(self) -> list[Path]:
        """One row per experiment, in each format."""
        return [self.table_file(f"experiments.{kind}") for kind in EXPERIMENTS_FORMATS]

    @property
    def headline_file(self) -> Path:
        """One line per experiment."""
        return self.table_file(HEADLINE)

    def table_file(self, name: str) -> Path:
        """A table, such as ``runs.csv``."""
        return self.tables_directory / name

    @property
    def figures_directory(self) -> Path:
        """The figures."""
        return self.path / "figures"

    @property
    def figures(self) -> list[Path]:
        """The figures that are there."""
        return [file for kind in FIGURE_FORMATS for file in self.figures_directory.glob(f"*.{kind}")]

    def figure_file(self, name: str, kind: str) -> Path:
        """A figure in one of the `FIGURE_FORMATS`."""
        return self.figures_directory / f"{name}.{kind}"

    def provenance_file(self, stage: str) -> Path:
        """Where the results of one of the study's stages come from."""
        return self.path / "provenance" / f"{stage}.json"

    def log_file(self, stage: str) -> Path:
        """What a job of one of the study's stages printed."""
        return self.path / "logs" / f"{stage}.log"

    def run(self, experiment: str, seed: int | str) -> Run:
        """Return one of the study's runs."""
        return Run(self.path / experiment / f"seed_{seed}")


@dataclass(frozen=True)
class TrainingState:
    """What a training needs to go on, and its history so far: ``training/FINGERPRINT`` of a run.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def metrics_file(self) -> Path:
        """Training metrics, one line per update."""
        return self.path / "metrics.jsonl"

    @property
    def evaluations_file(self) -> Path:
        """Evaluations during training, one line each."""
        return self.path / "evaluations.jsonl"

    @property
    def attempts_file(self) -> Path:
        """Attempts that have ended, one line each."""
        return self.path / "attempts.jsonl"

    @property
    def attempt_file(self) -> Path:
        """The attempt under way, or the one that was killed."""
        return self.path / "attempt.json"

    @property
    def checkpoints_directory(self) -> Path:
        """The checkpoints."""
        return self.path / "checkpoints"

    @property
    def policies_directory(self) -> Path:
        """The policies that belong to this training, whatever the run trains next."""
        return self.path / "policies"

    @property
    def initial_policy_directory(self) -> Path:
        """The policy before training."""
        return self.policies_directory / "init"

    @property
    def divergences_directory(self) -> Path:
        """The last configurations of episodes in which the physics diverged."""
        return self.path / "diverged"

    @property
    def wandb_directory(self) -> Path:
        """The files of Weights & Biases."""
        return self.path / "wandb"


@dataclass(frozen=True)
class Run:
    """The directory of one run, ``results/STUDY/EXPERIMENT/seed_K``.

    Configuration and fingerprint are read when they are first asked for: of a run that may have been initialised again
    since, make another one.

    Args:
        path: The directory.
    """

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Return an initialised run directory.

        Raises:
            ArtifactError: ``run.json`` is damaged.
            ConfigError: It is none, or an older version of the program made it.
        """
        run = cls(Path(path))
        missing = [f.name for f in (run.config_file, run.run_file, run.motion_file, run.walker_file) if not f.is_file()]
        if missing:
            raise ConfigError(
                "not a run directory",
                where=path,
                got=f"no {', '.join(missing)}",
                fix=f"mimicrl init STUDY.yaml --experiment NAME --seed K --out {path}",
            )
        RunRecord.read(run.run_file)
        return run

    @property
    def config_file(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def run_file(self) -> Path:
        """What the run is: names, hashes, seeds."""
        return self.path / "run.json"

    @property
    def motion_file(self) -> Path:
        """The motion clip on the walker."""
        return self.path / "motion.npz"

    @property
    def walker_file(self) -> Path:
        """The walker's MJCF."""
        return self.path / "walker.xml"

    @property
    def plugins_directory(self) -> Path:
        """Copies of the study's plugins."""
        return self.path / plugins.FOLDER

    def plugin_file(self, name: str) -> Path:
        """The copy of a plugin."""
        return self.plugins_directory / name

    @property
    def lock_file(self) -> Path:
        """What a trainer holds locked."""
        return self.path / "lock"

    @property
    def outcome_file(self) -> Path:
        """How training ended."""
        return self.path / "outcome.json"

    @property
    def progress_file(self) -> Path:
        """How far training is."""
        return self.path / "progress.json"

    @property
    def metrics_file(self) -> Path:
        """Training metrics, written at the end."""
        return self.path / "metrics.parquet"

    @property
    def evaluations_file(self) -> Path:
        """Evaluations during training, written at the end."""
        return self.path / "evaluations.parquet"

    def policy_directory(self, checkpoint: Checkpoint) -> Path:
        """The policy before training, of the best evaluation, or at the end."""
        return self.policies_directory / checkpoint

    @property
    def policies_directory(self) -> Path:
        """The policies."""
        return self.path / "policies"

    def weights_file(self, checkpoint: Checkpoint) -> Path:
        """The weights of a policy."""
        return self.policy_directory(checkpoint) / WEIGHTS

    def description_file(self, checkpoint: Checkpoint) -> Path:
        """What the weights of a policy are."""
        return self.policy_directory(checkpoint) / DESCRIPTION

    def episodes_file(self, checkpoint: Checkpoint) -> Path:
        """The episodes of an evaluation after training, one row each."""
        return self.path / f"episodes{_suffix(checkpoint)}.parquet"

    def summary_file(self, checkpoint: Checkpoint) -> Path:
        """The metrics of that evaluation."""
        return self.path / f"summary{_suffix(checkpoint)}.json"

    def gait_cycle_file(self, checkpoint: Checkpoint) -> Path:
        """Joint angles over the gait cycle in that evaluation."""
        return self.path / f"gait_cycle{_suffix(checkpoint)}.parquet"

    @property
    def videos_directory(self) -> Path:
        """The videos."""
        return self.path / "videos"

    def video_file(self, name: str) -> Path:
        """A video, such as ``final.mp4``."""
        return self.videos_directory / name

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

    @property
    def logs_directory(self) -> Path:
        """What jobs printed."""
        return self.path / "logs"

    def log_file(self, stage: str) -> Path:
        """What the job of a stage printed."""
        return self.logs_directory / f"{stage}.log"

    @property
    def provenance_directory(self) -> Path:
        """Where results come from."""
        return self.path / "provenance"

    def provenance_file(self, stage: str) -> Path:
        """Where the results of a stage come from."""
        return self.provenance_directory / f"{stage}.json"

    @property
    def trainings_directory(self) -> Path:
        """The training states of all configurations that the run has had."""
        return self.path / "training"

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
        return fingerprint(
            self.config,
            motion_sha256=artifacts.file_sha256(self.motion_file),
            walker_sha256=artifacts.file_sha256(self.walker_file),
            plugins_sha256={name: artifacts.file_sha256(self.plugin_file(name)) for name in self.config.plugins},
        )

    @property
    def training(self) -> TrainingState:
        """The training state that belongs to the configuration."""
        return self.training_of(self.fingerprint)

    @property
    def tensorboard_directory(self) -> Path:
        """The TensorBoard files that belong to the configuration."""
        return self.path / "tb_logs" / self.fingerprint


def _suffix(checkpoint: Checkpoint) -> str:
    return "" if checkpoint == "final" else f"-{checkpoint}"
