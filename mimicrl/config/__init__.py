"""The configuration: one strict, frozen schema; a study is one YAML file, a run is one resolved configuration.

Imports neither MuJoCo nor PyTorch, Gymnasium or pandas: Snakemake reads it in every job, on login nodes too.
"""

from mimicrl.config.loading import load_run, load_study, resolve
from mimicrl.config.models import (
    EvaluationConfig,
    ExperimentConfig,
    LoggingConfig,
    MotionConfig,
    RunConfig,
    Schedule,
    StudyConfig,
    TrainingConfig,
    WalkerConfig,
)
from mimicrl.mdp.config import MDPConfig

__all__ = [
    "EvaluationConfig",
    "ExperimentConfig",
    "LoggingConfig",
    "MDPConfig",
    "MotionConfig",
    "RunConfig",
    "Schedule",
    "StudyConfig",
    "TrainingConfig",
    "WalkerConfig",
    "load_run",
    "load_study",
    "resolve",
]
