"""Host or container: Snakemake says which, and a study may want the container."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from snakemake_calls import TABLES_AND_REPORT, planned, snakemake
from support import TINY

from mimicrl import artifacts

STUDY_FILE = "results/tiny/study.yaml"


def write(folder: Path, **changes: object) -> None:
    content = {"study": "tiny", "seeds": [1], "video": False, "experiments": {"walk": TINY}}
    (folder / "study.yaml").write_text(yaml.safe_dump(content | changes))


def test_on_the_host_snakemake_says_so_and_the_study_records_no_image(tmp_path: Path) -> None:
    write(tmp_path)
    code, output = snakemake(tmp_path, "--", STUDY_FILE)
    assert code == 0, output
    assert "steps run on the host; --sdm apptainer runs them in the container" in output
    assert artifacts.read_json(tmp_path / "results" / "tiny" / "image.json")["sha256"] == "none"


@pytest.mark.fault(48)
def test_a_study_that_wants_the_container_is_refused_on_the_host(tmp_path: Path) -> None:
    write(tmp_path, container="required")
    code, output = snakemake(tmp_path)
    assert code == 1 and "Traceback" not in output
    assert (
        "study tiny runs in the container only — study.yaml — got the host, expected --sdm apptainer — "
        "add it, or set MIMICRL_ALLOW_HOST=1 to run on the host all the same"
    ) in output
    assert not (tmp_path / "results").exists()


def test_it_runs_on_the_host_on_purpose_and_is_planned_there(tmp_path: Path) -> None:
    write(tmp_path, container="required")
    code, output = snakemake(tmp_path, "--dry-run")
    assert code == 0, output
    code, output = snakemake(tmp_path, "--", STUDY_FILE, MIMICRL_ALLOW_HOST="1")
    assert code == 0 and "steps run on the host" in output


@pytest.mark.fault(48)
def test_a_missing_image_is_told_before_any_job(tmp_path: Path) -> None:
    write(tmp_path, image="images/none.sif")
    code, output = snakemake(tmp_path, "--sdm", "apptainer")
    assert code == 1 and "Traceback" not in output
    assert "there is no image of the container — images/none.sif — build it: make container" in output
    assert not (tmp_path / "results").exists()


def test_a_study_that_goes_on_elsewhere_does_all_that_is_left_in_one_call(study: Path) -> None:
    results = study / "results" / "tiny"
    artifacts.write_json(results / "image.json", {"sha256": "another", "labels": {}})
    (results / "generated" / "seed_1" / "episodes.parquet").unlink()
    more = {("evaluate", "generated/seed_1"), ("replay", "generated/seed_1")} | TABLES_AND_REPORT
    code, output = snakemake(study, "--dry-run")
    assert code == 0 and planned(output) == more
    code, output = snakemake(study)
    assert code == 0, output
    assert artifacts.read_json(results / "image.json")["sha256"] == "none"
    assert (results / "generated" / "seed_1" / "episodes.parquet").exists()
