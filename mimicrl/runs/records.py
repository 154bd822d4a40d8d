"""The json and yaml files between stages as models: the stage that writes a file and all that read it share one.

There are two ways to read. `Record.read` is strict: an error names the file and the field. `Record.find`, for those who
only look on, takes what cannot be read for missing.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError

FORMAT = 1
"""The form of a results folder, written into ``study.yaml`` and each ``run.json``."""


class Record(BaseModel):
    """The content of a file; keys that it does not know are left out when it is read."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", use_attribute_docstrings=True)

    MADE_BY: ClassVar[str] = "the verb that writes it"
    """The command that makes the file again."""

    @classmethod
    def read(cls, path: Path, *, made_by: str = "") -> Self:
        """Read a file.

        Args:
            path: The file.
            made_by: The command that makes it again, for the errors.

        Raises:
            ArtifactError: It is missing or damaged.
            ConfigError: An older version of the program made it.
        """
        made_by = made_by or cls.MADE_BY
        try:
            return cls.parse(path.read_bytes(), path, made_by=made_by)
        except OSError as error:
            raise ArtifactError(
                "a file of the run cannot be read", where=path, got=error.strerror, fix=f"make it with {made_by}"
            ) from error

    @classmethod
    def parse(cls, data: bytes, path: Path, *, made_by: str = "") -> Self:
        """Return the content of the file at `path`; see `read`."""
        content = _content(data, path)
        if "format" in cls.model_fields and isinstance(content, dict) and "format" not in content:
            raise ConfigError("made by an older version of mimicrl", where=path, fix="use another folder for results")
        try:
            return cls.model_validate_json(artifacts.json_bytes(content))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise ArtifactError(
                "a file of the run is damaged",
                where=path,
                got=f"{field}: {first['msg']}" if field else first["msg"],
                fix=f"make it again with {made_by or cls.MADE_BY}",
            ) from error

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """Return the content of a file, None where it is missing, damaged or of an older version."""
        try:
            return cls.read(path)
        except (ArtifactError, ConfigError):
            return None

    @classmethod
    def refuse_older(cls, path: Path) -> None:
        """Refuse a file of an older version of the program; one that is missing or damaged may be written anew.

        Raises:
            ConfigError: It is one.
        """
        with contextlib.suppress(ArtifactError):
            cls.read(path)

    def as_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return self.model_dump(mode="json")

    def write(self, path: Path) -> None:
        """Write the file atomically."""
        artifacts.write_json(path, self.as_json())


class RunRecord(Record):
    """``run.json``: what a run is. It is written last by ``init`` and makes a directory a run."""

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
    config_sha256: str

    @property
    def name(self) -> str:
        """The names that lead to the run's directory."""
        return f"{self.study}/{self.experiment}/{self.seed}"


class Outcome(Record):
    """``outcome.json``: how a training ended."""

    MADE_BY = "mimicrl train"

    status: Literal["completed", "diverged"]
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
    """Pace of this attempt."""
    eta_s: float | None
    interval_s: float = 20.0
    """The file is written at least this often while training runs normally [s]."""
    last_evaluation: dict[str, Any] | None
    host: str
    process: int
    token: str
    """Names the attempt; numbers of processes come again."""
    slurm_job: str | None
    updated: str


class Attempt(Record):
    """``attempt.json`` while an attempt at a training lasts, and its line of ``attempts.jsonl`` afterwards."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    attempt: int | None
    """Its number, from 1; None where a killed attempt left no readable note, until its line is written."""
    begin: int | None = Field(None, alias="from")
    """Samples that it went on from."""
    host: str | None = None
    process: int | None = None
    token: str | None = None
    """Names it in ``progress.json``; numbers of processes come again."""
    slurm_job: str | None = None
    started: str | None = None
    end: int | None = Field(None, alias="to")
    """Samples it got to; of a killed one, what was left of them."""
    seconds: float | None = None
    ended: str | None = None
    why: str | None = None
    """The outcome's status, ``killed``, or what went wrong; None while it lasts."""


class PolicyDescription(Record):
    """``policy.json``: what a policy's weights are, beside what it tells of its training."""

    model_config = ConfigDict(extra="allow")
    MADE_BY = "mimicrl train"

    weights_sha256: str
    fingerprint: str
    """The training state it comes from."""


class Image(Record):
    """The container that a step ran in; outside of one ``sha256`` is ``none`` and nothing else is known."""

    sha256: str
    image: str | None = None
    version: str | None = None
    commit: str | None = None


class ImageRecord(Image):
    """``image.json``: an image with its labels, hashed once for all steps of a study."""

    MADE_BY = "mimicrl image"

    labels: dict[str, Any] | None = None

    def without_labels(self) -> Image:
        """Return what provenance tells of the image."""
        return Image(sha256=self.sha256, image=self.image, version=self.version, commit=self.commit)


class Code(Record):
    """The code that ran; commit and whether it was changed since are None where nothing tells."""

    sha256: str
    commit: str | None = None
    dirty: bool | None = None


class Cpu(Record):
    """A processor; see `mimicrl.machine.Processor`."""

    model: str
    vector_instructions: list[str]
    cores: int


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
    result: dict[str, Any] | None = None
    """What the stage made that stands nowhere else, such as which weights it evaluated."""


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


class LockAgreement(Record):
    """The installed packages against the lock file."""

    file: str
    compared: int
    differences: dict[str, list[str]]
    """Installed and locked version by package; ``missing`` where it is not installed."""


class Doctor(Record):
    """``doctor.json``: what a machine can do. None is what is missing, unknown or was not asked for."""

    MADE_BY = "mimicrl doctor"

    cpu: Cpu
    graphics_cards: list[str]
    memory_bytes: int | None
    versions: dict[str, str]
    lock: LockAgreement | None
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

    def total_timesteps(self, experiment: str) -> int:
        """Return the budget of an experiment's runs [samples]."""
        return self.experiments[experiment].training.total_timesteps


def last_row(path: Path) -> dict[str, Any]:
    """Return the last whole row of a file of JSON lines, nothing where there is none that can be read."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
        row = artifacts.parse_json(lines[-1], path)
    except (ArtifactError, IndexError, OSError):
        return {}
    return row if isinstance(row, dict) else {}


def _content(data: bytes, path: Path) -> Any:
    """Return the content of a file that this program wrote."""
    if path.suffix == ".json":
        return artifacts.parse_json(data, path)
    # The parser in C is three times as fast as the strict one for what people write.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(data, loader)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ArtifactError("not valid YAML", where=path, got=" ".join(str(error).split())) from error
