"""A study through the slurm profile, in the container, while Slurm ends jobs: nothing is lost and no bit differs."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import images
import pytest
from cluster.conftest import CANCELLED, LATE, REQUEUED, SEEDS, Disturbed
from cluster.loopback import SMOKE, details

from mimicrl import artifacts

ROLLOUT, HELD_AT, BUDGET = 1024, 2048, 4096
VERBS = ("init", "train", "evaluate", "replay")


@pytest.fixture(scope="module")
def local(disturbed: Disturbed, tmp_path_factory: pytest.TempPathFactory) -> dict[int, bytes]:
    """The weights that the same container gives without Slurm, without Snakemake, with nothing that happens."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "study.yaml").write_bytes((disturbed.study.folder / "study.yaml").read_bytes())
    found = {}
    for seed in SEEDS:
        init = ["mimicrl", "init", "study.yaml", "--experiment", "walk", "--seed", str(seed), "--out", f"run_{seed}"]
        for words in (init, ["mimicrl", "train", f"run_{seed}"]):
            code, output = images.execute(words, *images.ISOLATED, "--home", str(folder), folder=folder)
            assert code == 0, output
        found[seed] = (folder / f"run_{seed}" / "policies" / "final" / "policy.safetensors").read_bytes()
    return found


def test_slurm_ended_the_three_jobs_as_it_was_meant_to(disturbed: Disturbed) -> None:
    states = {job.number: job.state for job in disturbed.jobs}
    ends = {seed: states[number] for seed, number in disturbed.first.items()}
    assert ends == {LATE: "TIMEOUT", CANCELLED: "CANCELLED", REQUEUED: "COMPLETED"}
    assert details(disturbed.first[REQUEUED])["Restarts"] == "1"
    assert {state for number, state in states.items() if number not in disturbed.first.values()} == {"COMPLETED"}


@pytest.mark.fault(1)
@pytest.mark.parametrize("seed", [LATE, CANCELLED])
def test_who_is_killed_goes_on_from_the_last_checkpoint(disturbed: Disturbed, seed: int) -> None:
    first, second = disturbed.study.attempts(seed)
    assert (first["from"], first["to"], first["why"]) == (0, ROLLOUT, "killed")
    assert (second["from"], second["to"], second["why"]) == (ROLLOUT, BUDGET, "completed")
    assert first["slurm_job"] == disturbed.first[seed] != second["slurm_job"]


@pytest.mark.fault(39)
def test_slurms_signal_reaches_the_trainer_in_its_container_which_saves(disturbed: Disturbed) -> None:
    first, second = disturbed.study.attempts(REQUEUED)
    assert (first["from"], first["to"], first["why"]) == (0, HELD_AT, "stopped by SIGTERM")
    assert (second["from"], second["to"], second["why"]) == (HELD_AT, BUDGET, "completed")
    assert first["slurm_job"] == second["slurm_job"] == disturbed.first[REQUEUED]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_attempt_began_before_the_one_before_it_had_ended(disturbed: Disturbed, seed: int) -> None:
    for one, other in itertools.pairwise(disturbed.study.attempts(seed)):
        assert one["ended"] <= other["started"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_weights_are_those_of_a_local_run_bit_for_bit(
    disturbed: Disturbed, local: dict[int, bytes], seed: int
) -> None:
    assert disturbed.study.weights(seed) == local[seed]


def test_the_study_is_complete_and_each_step_ran_in_a_job_in_the_container(disturbed: Disturbed, image: Path) -> None:
    results = disturbed.study.folder / "results" / "smoke"
    assert "<video" in (results / "report.html").read_text()
    digest, numbers = artifacts.file_sha256(image), {job.number for job in disturbed.jobs}
    for seed in SEEDS:
        run = disturbed.study.run(seed).path
        record = {verb: artifacts.read_json(run / "provenance" / f"{verb}.json") for verb in VERBS}
        assert {found["container"]["sha256"] for found in record.values()} == {digest}
        assert (run / "videos" / "final.mp4").exists()
        assert record["init"]["slurm_job"] is None, "a local rule"
        assert {record[verb]["slurm_job"] for verb in VERBS[1:]} <= numbers
        files = [file.relative_to(run) for file in run.rglob("*") if file.is_file()]
        assert sum(file.parts[0] != "tb_logs" for file in files) <= 40, "each attempt adds one file for TensorBoard"


def test_jobs_of_seconds_share_a_job_of_slurms(disturbed: Disturbed) -> None:
    # Evaluation and video of a run, tables and report of the study; training again for the two that were ended.
    kinds = Counter(job.what.split("_wildcards")[0] for job in disturbed.jobs)
    assert kinds == {
        "rule_doctor": 1,
        "rule_train": len(SEEDS) + 2,
        "rule_run_evaluate_replay": len(SEEDS),
        "rule_study_aggregate_report": 1,
    }
    grouped = {
        job.what: details(job.number) for job in disturbed.jobs if "_evaluate" in job.what or "_report" in job.what
    }
    asked = {what: (found["MinMemoryNode"], found["TimeLimit"]) for what, found in grouped.items()}
    assert asked == {
        "rule_run_evaluate_replay": ("1000M", "01:00:00"),
        "rule_study_aggregate_report": ("2000M", "00:40:00"),
    }, "the larger memory, the sum of the times"
    results = disturbed.study.folder / "results" / "smoke"
    for folder, verbs in [(disturbed.study.run(1).path, ("evaluate", "replay")), (results, ("aggregate", "report"))]:
        assert len({artifacts.read_json(folder / "provenance" / f"{verb}.json")["slurm_job"] for verb in verbs}) == 1


def test_a_training_that_is_tried_again_gets_more_memory(disturbed: Disturbed) -> None:
    asked: dict[int, list[str]] = {seed: [] for seed in SEEDS}
    for job in disturbed.jobs:
        if job.what.startswith("rule_train"):
            asked[int(job.what[-1])].append(details(job.number)["MinMemoryNode"])
    assert len(asked[REQUEUED]) == 1
    for seed in (LATE, CANCELLED):
        first, second = (int(text.removesuffix("M")) for text in asked[seed])
        assert second == 2 * first


def test_slurms_logs_are_kept(disturbed: Disturbed) -> None:
    for job in disturbed.jobs:
        assert disturbed.study.slurm_log(job.number)


def test_nothing_is_written_to_home_or_beside_the_results(disturbed: Disturbed) -> None:
    assert list(disturbed.study.home.rglob("*")) == []
    given = {"study.yaml", "home", "go", "output.txt"}
    assert {file.name for file in disturbed.study.folder.iterdir()} - given == {".snakemake", "results"}


def test_the_smoke_study_is_the_one_of_the_project() -> None:
    assert SMOKE["experiments"]["walk"]["training"]["total_timesteps"] == BUDGET
