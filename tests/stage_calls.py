"""The stages as tests call them: on a run instead of its path, on one core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mimicrl import api
from mimicrl.config import RunConfig, StudyConfig
from mimicrl.evaluation.metrics import Summary
from mimicrl.rendering.film import VideoOptions
from mimicrl.runs import Run
from mimicrl.runs.records import Outcome
from mimicrl.stages import evaluate as evaluating
from mimicrl.stages import replay as replaying
from mimicrl.stages.init import init_study
from mimicrl.stages.stage import working
from mimicrl.stages.train import train_run


def prepare_run(config: RunConfig, base: Path, out: Path) -> Run:
    return api.prepare(config, out, base=base)


def prepare_study(study: StudyConfig, out: Path) -> None:
    with working("init") as work:
        init_study(work, study, out)


def train(run: Run, *, cores: int = 1, **options: Any) -> Outcome:
    with working("train") as work:
        return train_run(work, run, cores=cores, **options)


def evaluate(run: Run, checkpoint: Any = "final", *, threads: int = 1, **options: Any) -> Summary:
    return evaluating.evaluate(run.path, checkpoint, threads=threads, **options)


def replay(runs: Run | Sequence[Run], *words: Any, settings: VideoOptions, threads: int = 1, **options: Any) -> Path:
    paths = [run.path for run in ([runs] if isinstance(runs, Run) else runs)]
    path = replaying.replay(paths, *words, threads=threads, **(asdict(settings) | options))
    assert path is not None
    return path
