"""A finished study gets a seed more, and the run of that seed has a trainer already, which Slurm does not know of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import images
import pytest
import yaml
from cluster import loopback
from cluster.conftest import HOLD, SEEDS, Disturbed
from cluster.loopback import Study, wait_for
from snakemake_calls import STUDY_CHANGED, planned, whole

NEW = 4
REFUSED = "mimicrl train: another process works in this run"


@pytest.fixture
def grown(disturbed: Disturbed, tmp_path: Path) -> Iterator[Study]:
    """A copy of the finished study that asks for a seed more."""
    shutil.copytree(disturbed.study.folder, tmp_path / "study")
    study = Study(tmp_path / "study")
    study.go.unlink()
    content = yaml.safe_load((study.folder / "study.yaml").read_text())
    study.write(**content | {"seeds": [*SEEDS, NEW]})
    yield study
    study.go.touch()  # also when a test fails, no trainer waits for ever


def test_one_training_is_planned_and_what_follows_from_it(grown: Study) -> None:
    assert grown.finish(grown.start("--dry-run")) == 0, grown.output
    assert planned(grown.output) == whole(f"walk/seed_{NEW}") | STUDY_CHANGED


@pytest.mark.fault(44)
def test_one_training_is_submitted_and_does_not_write_beside_a_live_one(grown: Study) -> None:
    before = loopback.jobs()
    run = str(grown.run(NEW).path.relative_to(grown.folder))
    words = ["mimicrl", "init", "study.yaml", "--experiment", "walk", "--seed", str(NEW), "--out", run]
    code, output = images.execute(words, "--home", str(grown.folder), folder=grown.folder)
    assert code == 0, output
    trainer = grown.by_hand(NEW, HOLD)
    process = grown.start(f"{run}/outcome.json")
    wait_for(lambda: process.poll() is not None or REFUSED in grown.log(NEW), lambda: grown.output)
    assert process.poll() is None, grown.output
    grown.go.touch()
    assert trainer.wait(loopback.LIMIT_S) == 0
    assert grown.finish(process) == 0, grown.output

    first, *later = grown.attempts(NEW)
    assert (first["from"], first["to"], first["why"], first["slurm_job"]) == (0, 4096, "completed", None)
    assert [(row["from"], row["to"]) for row in later] == [(4096, 4096)], "there was nothing left to train"
    assert first["ended"] <= later[0]["started"]
    *refused, last = [job for job in loopback.jobs() if job not in before]
    assert {job.what for job in [*refused, last]} == {f"rule_train_wildcards_walk_{NEW}"}
    assert [job.state for job in refused] in (["FAILED"], ["FAILED"] * 2)
    assert last.state == "COMPLETED"
