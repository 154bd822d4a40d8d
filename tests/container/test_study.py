"""A whole study in the container: what it leaves, what its records say, and that it repeats to the bit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from container.conftest import PROFILE, Run
from snakemake_calls import snakemake

from mimicrl import artifacts

VERBS = {"init", "train", "evaluate", "replay"}
RUN = "walk/seed_1"


def records(results: Path) -> dict[str, dict]:
    """All that steps recorded of where their results come from."""
    return {str(file.relative_to(results)): artifacts.read_json(file) for file in results.rglob("provenance/*.json")}


def test_each_step_ran_in_the_image_and_says_so(finished: Path, image: Path) -> None:
    results = finished / "results" / "smoke"
    found = records(results)
    expected = {f"{RUN}/provenance/{verb}.json" for verb in VERBS}
    assert found.keys() == expected | {f"provenance/{verb}.json" for verb in ("init", "aggregate", "report")}
    digest = artifacts.file_sha256(image)
    for name, record in found.items():
        assert record["container"]["sha256"] == digest, name
        assert Path(record["container"]["image"]) == image, name
        assert record["container"]["version"] == record["versions"]["mimicrl"], name
        assert len(record["lock_sha256"]) == 64, name
    table = pd.read_parquet(results / "tables" / "runs.parquet")
    assert table["container"].tolist() == [digest]
    assert pd.read_parquet(results / "tables" / "experiments.parquet")["mixed"].tolist() == [""]


def test_snakemake_says_at_the_start_where_steps_run(finished: Path) -> None:
    assert "steps run in the container " in (finished / "output.txt").read_text()


def test_nothing_is_written_beside_the_results(finished: Path) -> None:
    assert {file.name for file in finished.iterdir()} == {".snakemake", "results", "study.yaml", "output.txt"}


def test_with_nothing_of_the_machine_and_no_network_a_study_of_files_elsewhere_ends_with_the_same_bits(
    finished: Path, isolated: Path
) -> None:
    for run in (RUN, "recorded/seed_1"):
        assert {file.stem for file in (isolated / run / "provenance").iterdir()} == VERBS
        assert artifacts.read_json(isolated / run / "outcome.json")["status"] == "completed"
    for name in ("init", "best", "final"):
        weights = f"{RUN}/policies/{name}/policy.safetensors"
        assert (finished / "results" / "smoke" / weights).read_bytes() == (isolated / weights).read_bytes(), name
    assert (isolated / "report.html").exists()


def test_a_term_of_the_studys_own_works_in_the_container_too(isolated: Path) -> None:
    assert "reward/effort" in pd.read_parquet(isolated / "recorded" / "seed_1" / "metrics.parquet")
    table = pd.read_parquet(isolated / "tables" / "runs.parquet").set_index("experiment")
    assert table.loc["recorded", "reward_effort"] < 0
    assert pd.isna(table.loc["walk", "reward_effort"])


@pytest.mark.parametrize("where", ["container", "host"])
def test_another_image_or_the_host_is_no_reason_to_run_a_step_again(
    finished: Path, run: Run, tmp_path: Path, where: str, image: Path
) -> None:
    shutil.copytree(finished, tmp_path / "study")
    study = tmp_path / "study"
    if where == "host":
        code, output = snakemake(study, "--dry-run", *PROFILE)
    else:
        os.utime(image)
        code, output = run(study, study / "study.yaml", "--dry-run", *PROFILE)
    assert code == 0, output
    assert "Nothing to be done" in output
