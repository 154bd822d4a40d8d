"""Slurm, the image, and a study in which Slurm ends jobs; each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster import loopback
from cluster.loopback import Job, Study, wait_for

HOLD = "train.rollout:stall:3"
LATE, CANCELLED, REQUEUED = SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Disturbed:
    """A study that was run to its end while Slurm ended three trainings, and the jobs it took, in their order."""

    study: Study
    jobs: list[Job]
    first: dict[int, str]
    output: str


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm that takes jobs."""
    loopback.available()
    folder = tmp_path_factory.mktemp("slurm") / "state"
    loopback.up(folder)
    yield
    loopback.down(folder)


@pytest.fixture(scope="session")
def disturbed(slurm: None, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """All trainers are held in the middle; one meets its time limit, one is cancelled, one requeued by Slurm."""
    experiment = loopback.SMOKE["experiments"]["walk"]
    experiment = experiment | {"training": experiment["training"] | {"save_freq": 1024}}
    study = Study(tmp_path_factory.mktemp("disturbed"))
    study.write(seeds=list(SEEDS), experiments={"walk": experiment})
    process = study.start(hold=HOLD)

    def told() -> str:
        return "\n".join([study.output, *map(str, loopback.jobs())])

    try:
        wait_for(lambda: process.poll() is not None or all("stall at" in study.log(seed) for seed in SEEDS), told)
        assert process.poll() is None, told()
        names = {f"rule_train_wildcards_walk_{seed}": seed for seed in SEEDS}
        first = {names[job.what]: job.number for job in loopback.jobs() if job.what in names}
        loopback.slurm("scontrol", "update", f"JobId={first[LATE]}", "TimeLimit=1")
        loopback.slurm("scancel", first[CANCELLED])
        wait_for(lambda: loopback.details(first[LATE])["JobState"] == "TIMEOUT", told)
        loopback.slurm("scontrol", "requeue", first[REQUEUED])
        wait_for(lambda: "DUE TO JOB REQUEUE" in study.slurm_log(first[REQUEUED]), told)
    except BaseException:
        process.kill()
        raise
    study.go.touch()
    code = study.finish(process)
    assert code == 0, told()
    return Disturbed(study, loopback.jobs(), first, study.output)
