"""The schema of all configuration files, as frozen pydantic models. Their defaults are the default preset."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, create_model, model_validator

from mimicrl.mdp.config import MDPConfig, TaskConfig
from mimicrl.motions.gait import DEFAULT_SPEED_MPS, SPEED_RANGE_MPS
from mimicrl.protocols import Standard
from mimicrl.schema import NO_RESULT, Count, Name, Neutral, NonNegative, Positive, Section, Seed, Seeds, Share
from mimicrl.walkers import library


class WalkerConfig(Section):
    """The simulated body."""

    name: Name = library.DEFAULT
    """Name of a bundled walker. With `file`, any name for your own walker."""
    file: str | None = None
    """Your own walker: a folder (walker.xml and walker.yaml) or one MJCF file, relative to the study file."""

    def files(self, base: Path) -> tuple[Path, ...]:
        """Return the files of the user's own walker. For a bundled walker, return no file.

        Args:
            base: Folder of the study file.
        """
        return () if self.file is None else library.files_of(base / self.file)


class MotionConfig(Section):
    """The motion to imitate: a generated human walk, or a motion file."""

    speed_mps: Annotated[float, Field(ge=SPEED_RANGE_MPS[0], le=SPEED_RANGE_MPS[1])] | None = None
    """Speed of the generated walk [m/s]. It is 1.25 if neither this nor `file` is given. Do not give both."""
    file: str | None = None
    """A motion file in a format that `mimicrl motion list` names. The path is relative to the study file."""

    @model_validator(mode="after")
    def _one_source(self) -> MotionConfig:
        if self.file is not None and self.speed_mps is not None:
            raise ValueError("give either speed_mps (a generated walk) or file (a recorded one), not both")
        if self.file is None and self.speed_mps is None:
            object.__setattr__(self, "speed_mps", DEFAULT_SPEED_MPS)
        return self


class Schedule(Section):
    """A value that can change during training."""

    kind: Literal["constant", "linear", "exponential"]
    """How the value changes from start to end."""
    start: NonNegative
    """Value at the first sample."""
    end: NonNegative | None = None
    """Value at the end of the schedule. A constant schedule has no end."""
    rate: Positive = 5.0
    """For `exponential` only: number of e-foldings over the length of the schedule."""
    samples: Count | None = None
    """Length of the schedule in samples. The default is the total_timesteps of the run."""

    @model_validator(mode="after")
    def _has_end(self) -> Schedule:
        if (self.kind == "constant") == (self.end is not None):
            raise ValueError(f"a {self.kind} schedule {'has no' if self.kind == 'constant' else 'needs an'} end")
        return self

    @property
    def follows_budget(self) -> bool:
        """Whether the schedule stretches with the run's total_timesteps."""
        return self.kind != "constant" and self.samples is None


class NetArch(Section):
    """Widths of the hidden layers."""

    pi: tuple[Count, ...] = (256, 256)
    """Widths of the policy network's hidden layers."""
    vf: tuple[Count, ...] = (256, 256)
    """Widths of the value network's hidden layers."""


class TrainingConfig(Section):
    """Proximal policy optimisation (Schulman et al. 2017)."""

    total_timesteps: Count = 400_000
    """Budget in samples (environment steps)."""
    vec_env: Literal["batched", "subproc", "dummy"] = "batched"
    """`batched` steps all simulations in one batch (fast). The others are Stable-Baselines3's vector environments."""
    update: Annotated[Literal["fast", "sb3"], Neutral("fast")] = "fast"
    """`fast` is the fast learner. `sb3` is Stable-Baselines3's own update: equal within rounding, half as fast."""
    n_envs: Count = 16
    """Number of simulations that run in parallel."""
    n_steps: Count = 64
    """Number of control steps of each simulation between two updates."""
    batch_size: Count = 128
    """Samples in one gradient step. It must divide n_envs × n_steps."""
    n_epochs: Count = 5
    """How often an update uses each sample."""
    learning_rate: Schedule = Schedule(kind="linear", start=5e-4, end=5e-5, samples=600_000)
    """Adam's step size."""
    clip_range: Schedule = Schedule(kind="constant", start=0.2)
    """How far an update may move the policy."""
    gamma: Share = 0.99
    """Discount factor. The reward normalisation uses it, too."""
    gae_lambda: Share = 0.95
    """Trade-off of the generalised advantage estimate."""
    ent_coef: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    """Weight of the entropy bonus. Negative values favour a policy with little noise."""
    vf_coef: NonNegative = 0.5
    """Weight of the value loss."""
    max_grad_norm: Positive = 0.5
    """Gradients with a larger norm are scaled down to this norm."""
    log_std_init: Annotated[float, Field(allow_inf_nan=False)] = -0.75
    """Logarithm of the standard deviation of the policy at the start of training."""
    net_arch: NetArch = NetArch()
    """The hidden layers of the policy and the value network, which share no layer."""
    activation_fn: Literal["relu", "tanh"] = "relu"
    """Nonlinearity of both networks."""
    max_kl: Positive = 5.0
    """Training ends as diverged if the mean approximate KL divergence of an update is larger."""
    save_freq: Annotated[Count, NO_RESULT] = 100_000
    """Samples between two checkpoints, of all environments together. A checkpoint is written after an update."""
    cores: Annotated[Count, NO_RESULT] = 1
    """Cores that a training in the workflow asks for. Any number gives the same weights. The physics uses as many
    threads. With two or more cores, the critic learns in parallel with the actor."""

    @model_validator(mode="after")
    def _fits_together(self) -> TrainingConfig:
        rollout = self.n_envs * self.n_steps
        if rollout % self.batch_size:
            raise ValueError(
                f"batch_size must divide n_envs × n_steps: {self.n_envs} × {self.n_steps} = {rollout} "
                f"is no multiple of {self.batch_size}"
            )
        if self.total_timesteps < rollout:
            raise ValueError(f"total_timesteps {self.total_timesteps} is less than one rollout of {rollout}")
        return self


class EvaluationConfig(Standard):
    """Evaluation of the deterministic policy from evenly spread starts, during training and after it."""

    eval_freq: Count = 20_000
    """Samples between two evaluations during training, of all environments together."""


RENAMED = {
    "training.minibatch": "training.batch_size",
    "training.actor": "training.net_arch.pi",
    "training.critic": "training.net_arch.vf",
    "training.activation": "training.activation_fn",
    "training.checkpoint_interval": "training.save_freq",
    "evaluation.interval": "evaluation.eval_freq",
}
"""Maps the keys of earlier versions to their present names, which are those of Stable-Baselines3."""


class LoggingConfig(Section):
    """Where training writes its logs. No setting here changes a result."""

    tensorboard: bool = True
    """Write TensorBoard files."""
    wandb: Literal["disabled", "offline", "online"] = "disabled"
    """Mode of Weights & Biases. It needs the extra `mimicrl[wandb]`."""
    wandb_project: str = "mimicrl"
    """Name of the project in Weights & Biases."""


class RunSections(Section):
    """The sections of a run."""

    walker: WalkerConfig = WalkerConfig()
    """The simulated body."""
    motion: MotionConfig = MotionConfig()
    """The motion to imitate."""
    mdp: MDPConfig = MDPConfig()
    """The Markov decision process."""
    training: TrainingConfig = TrainingConfig()
    """Training."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """Evaluation."""
    logging: LoggingConfig = LoggingConfig()
    """Logging."""


class ExperimentConfig(RunSections):
    """One experiment of a study: the same run with several seeds."""

    use: str | None = None
    """A preset: a YAML file whose values the experiment takes. The path is relative to this file. Values here win."""
    seeds: Seeds | None = None
    """Seeds of this experiment. The default is the seeds of the study."""


class StudyConfig(Section):
    """A study: experiments, each with its seeds. A study is exactly one YAML file."""

    study: Name
    """Name of the study and of its folder in results/."""
    seeds: Seeds = (1, 2)
    """Seeds. Each experiment has one run per seed."""
    video: bool = True
    """Make a video of each run. Videos need OpenGL (EGL or OSMesa), which is checked before any training starts."""
    container: Literal["optional", "required"] = "optional"
    """Whether Snakemake refuses to run this study outside of the container."""
    image: str | None = None
    """The container image, relative to this file. The default is containers/mimicrl.sif of the project."""
    plugins: tuple[str, ...] = ()
    """Python files with your own terms, inside the folder of this file. They run whenever the study is read."""
    experiments: Annotated[dict[Name, ExperimentConfig], Field(min_length=1)]
    """The experiments by name."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> StudyConfig:
        for name, seeds in [("seeds", self.seeds), *((n, e.seeds) for n, e in self.experiments.items())]:
            if seeds is not None and len(set(seeds)) != len(seeds):
                raise ValueError(f"{name}: a seed is listed twice")
        return self

    def runs(self) -> list[tuple[str, int]]:
        """Return the study's runs as (experiment, seed)."""
        return [
            (name, seed)
            for name, experiment in self.experiments.items()
            for seed in (experiment.seeds if experiment.seeds is not None else self.seeds)
        ]


class RunConfig(RunSections):
    """The resolved configuration of one run: all settings that its result depends on, and its place in the study."""

    study: Name
    """Name of the study."""
    experiment: Name
    """Name of the experiment."""
    seed: Seed
    """Seed of the run."""
    plugins: tuple[str, ...] = ()
    """The plugins of the study. Their copies are in the plugin folder of the run."""


class Models(NamedTuple):
    """The types of the configuration that belong to one type of the section `mdp`."""

    study: type[StudyConfig]
    sections: type[RunSections]
    run: type[RunConfig]


@functools.cache
def composed(mdp: type[TaskConfig] = MDPConfig) -> Models:
    """Return the types of the configuration whose section `mdp` has the type `mdp`, which may know terms of plugins."""
    if mdp is MDPConfig:
        return Models(StudyConfig, RunSections, RunConfig)

    def derived(base: type[Section], **fields: Any) -> Any:
        return create_model(base.__name__, __base__=base, __module__=base.__module__, __doc__=base.__doc__, **fields)

    task = (mdp, Field(default=mdp(), description=RunSections.model_fields["mdp"].description))
    experiments = Annotated[dict[Name, derived(ExperimentConfig, mdp=task)], Field(min_length=1)]
    described = Field(description=StudyConfig.model_fields["experiments"].description)
    return Models(
        study=derived(StudyConfig, experiments=(experiments, described)),
        sections=derived(RunSections, mdp=task),
        run=derived(RunConfig, mdp=task),
    )
