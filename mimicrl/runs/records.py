"""The json and yaml files between stages as models: the stage that writes a file and all that read it share one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from mimicrl.runs.record import Record

FORMAT = 1
"""The form of a results folder, written into ``study.yaml`` and each ``run.json``."""


class RunRecord(Record):
    """``run.json``: what a run is. It is written last by ``init``; with it a directory is a run."""

    MADE_BY = "mimicrl init"

    format: Literal[1]
    study: str
    experiment: str
    seed: int
    total_timesteps: int
    """The budget in samples."""
    seeds: dict[str, int]
    """The seeds of its random streams."""
    fingerprint: str
    motion_sha256: str
    walker_sha256: str
    """Of the files of the walker's folder together."""
    config_sha256: str
    plugins_sha256: dict[str, str]
    """Of each plugin, by its name."""

    @property
    def name(self) -> str:
        """The names that lead to the run's directory."""
        return f"{self.study}/{self.experiment}/{self.seed}"


class Outcome(Record):
    """``outcome.json``: how a training ended."""

    MADE_BY = "mimicrl train"

    status: Literal["completed", "diverged"]
    verdict: Literal["walks", "falls"] | None = None
    """Whether all episodes of the last evaluation in training were stable; None where there was none."""
    samples: int
    """Samples taken."""
    total_timesteps: int
    """The budget in samples."""
    fingerprint: str
    """The training state."""
    first_success_samples: int | None
    """Samples at the first of two evaluations in a row in which all episodes were stable."""
    first_success_simulated_s: float | None
    """The same in simulated seconds."""
    best: dict[str, Any] | None
    """The best evaluation."""
    train_seconds: float
    """Wall time of training, all attempts together."""
    evaluation_seconds: float
    """Wall time that evaluations took."""
    problem: str | None
    """What diverged."""


class Progress(Record):
    """``progress.json``: how far a training is."""

    MADE_BY = "mimicrl train"

    state: str
    """``running``, ``stopped`` or the outcome's status."""
    samples: int
    total_timesteps: int
    steps_per_s: float
    """Samples per second in this attempt."""
    eta_s: float | None
    interval_s: float = 20.0
    """The file is written at least this often while training runs normally [s]."""
    last_evaluation: dict[str, Any] | None
    host: str
    process: int
    token: str
    """The name of the attempt: the system gives a process number to many processes."""
    slurm_job: str | None
    updated: str


class Attempt(Record):
    """``attempt.json`` while an attempt at a training lasts, and its line of ``attempts.jsonl`` afterwards."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    attempt: int | None
    """Its number, from 1; None if it was killed and its note cannot be read, until its line is written."""
    begin: int | None = Field(default=None, validation_alias="from", serialization_alias="from")
    """Samples at its beginning."""
    host: str | None = None
    process: int | None = None
    token: str | None = None
    """The name of the attempt in ``progress.json``: the system gives a process number to many processes."""
    slurm_job: str | None = None
    started: str | None = None
    end: int | None = Field(default=None, validation_alias="to", serialization_alias="to")
    """Samples at its end; if it was killed, those of the checkpoint that the next attempt began with."""
    seconds: float | None = None
    ended: str | None = None
    why: str | None = None
    """The outcome's status, ``killed``, or what went wrong; None while it lasts."""


class EvaluationRow(Record):
    """The fields of a line of ``evaluations.jsonl``, of an evaluation during training, that other modules need."""

    samples: int
    episodes: int
    stable_episodes: int
    reward: float
    """The imitation reward."""


class PolicyDescription(Record):
    """``policy.json``: what a policy's weights are, beside facts about its training."""

    model_config = ConfigDict(extra="allow")
    MADE_BY = "mimicrl train"

    format: Literal[1]
    weights_sha256: str
    activation: str
    clip_observation: float


class Image(Record):
    """The container that a step ran in. On the host ``sha256`` is ``none`` and the other fields are None."""

    sha256: str
    image: str | None = None
    version: str | None = None
    commit: str | None = None


class ImageRecord(Image):
    """``image.json``: an image with its labels, hashed once for all steps of a study."""

    MADE_BY = "mimicrl image"

    labels: dict[str, Any] | None = None


class Code(Record):
    """The code that ran. `commit`, and whether it was changed since, are None if they are not known."""

    sha256: str
    commit: str | None = None
    dirty: bool | None = None


class Cpu(Record):
    """A processor."""

    model: str
    vector_instructions: list[str]
    """Those that change the last bits of results."""
    cores: int
    """Cores that the process may use."""


class Provenance(Record):
    """``provenance/STAGE.json``: where a stage's results come from."""

    verb: str
    command: list[str]
    started: str
    ended: str
    code: Code
    lock_sha256: str
    container: Image
    host: str
    slurm_job: str | None
    python: str
    platform: str
    cpu: Cpu
    graphics_cards: list[str]
    threads: dict[str, int]
    peak_memory_mb: int
    environment: dict[str, str]
    versions: dict[str, str]
    outputs: dict[str, str]
    """The sha256 of each file that it wrote, by its path in the study's or the run's folder."""
    result: dict[str, Any] | None = None
    """What the stage made that stands nowhere else, such as which episode a video shows."""


class Bootstrap(Record):
    """How the intervals of a study's tables were drawn."""

    seed: int
    resamples: int
    confidence: float


class ManifestRun(Record):
    """What one run gave to a study's tables."""

    status: str
    fingerprint: str | None
    weights_sha256: str | None
    code_sha256: str | None
    lock_sha256: str | None
    container: str | None


class Manifest(Record):
    """``manifest.json``: what a study's tables were made from."""

    MADE_BY = "mimicrl aggregate"

    study: str
    bootstrap: Bootstrap
    runs: dict[str, ManifestRun]
    tables: dict[str, str]
    """The sha256 of each table."""


class Doctor(Record):
    """``doctor.json``: what a machine can do. A field is None if the thing is missing, unknown or was not tried."""

    MADE_BY = "mimicrl doctor"

    cpu: Cpu
    graphics_cards: list[str]
    memory_bytes: int
    versions: dict[str, str]
    container: ImageRecord
    slurm_job: str | None
    results: str
    """The folder of results."""
    free_bytes: int | None
    opengl: dict[str, str] | None
    """The backend and its renderer."""
    ffmpeg: str | None
    """Its version."""


class ExpectedRun(Record):
    """A run of a study."""

    experiment: str
    seed: int


class _Training(Record):
    """What other stages need of the training's configuration."""

    model_config = ConfigDict(extra="allow")
    total_timesteps: int


class _Evaluation(Record):
    """What other stages need of the evaluation's configuration."""

    model_config = ConfigDict(extra="allow")
    episodes: int


class ResolvedExperiment(Record):
    """An experiment of a study: what other stages need of it, and all else as it is."""

    model_config = ConfigDict(extra="allow")
    training: _Training
    evaluation: _Evaluation


class ResolvedStudy(Record):
    """``study.yaml`` in a study's folder: the study with all defaults, and the runs it expects.

    It is read without the schema of the configuration, which may need the study's plugins.
    """

    model_config = ConfigDict(extra="allow")
    MADE_BY = "mimicrl init STUDY.yaml --out DIRECTORY"

    format: Literal[1]
    study: str
    experiments: dict[str, ResolvedExperiment]
    expected_runs: list[ExpectedRun]

    @model_validator(mode="after")
    def _experiments_are_there(self) -> ResolvedStudy:
        for run in self.expected_runs:
            if run.experiment not in self.experiments:
                raise ValueError(f"expected_runs: there is no experiment {run.experiment}")
        return self

    def total_timesteps(self, experiment: str) -> int:
        """Return the budget of an experiment's runs [samples]."""
        return self.experiments[experiment].training.total_timesteps
