"""Host or container: Snakemake says which, and a study may want the container."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from snakemake_calls import TABLES_AND_REPORT, plan, refused, snakemake
from support import TINY

from mimicrl import artifacts


def write(folder: Path, **changes: object) -> None:
    content = {"study": "tiny", "seeds": [1], "video": False, "experiments": {"walk": TINY}}
    (folder / "study.yaml").write_text(yaml.safe_dump(content | changes))


@pytest.mark.fault(48)
def test_a_study_that_wants_the_container_is_refused_on_the_host(tmp_path: Path) -> None:
    write(tmp_path, container="required")
    assert (
        "study tiny runs in the container only — study.yaml — got the host, expected --sdm apptainer — "
        "add it, or set MIMICRL_ALLOW_HOST=1 to run on the host all the same"
    ) in refused(tmp_path, "--configfile", "study.yaml")


def test_it_is_planned_on_the_host_and_runs_there_on_purpose(tmp_path: Path) -> None:
    write(tmp_path, container="required")
    assert ("train", "walk/seed_1") in plan(tmp_path)
    code, output = snakemake(tmp_path, "--", "results/tiny/study.yaml", MIMICRL_ALLOW_HOST="1")
    assert code == 0, output
    assert "steps run on the host; --sdm apptainer runs them in the container" in output
    assert artifacts.read_json(tmp_path / "results" / "tiny" / "image.json")["sha256"] == "none"


@pytest.mark.fault(48)
def test_a_missing_image_is_told_before_any_job(tmp_path: Path) -> None:
    write(tmp_path, image="images/none.sif")
    told = "there is no image of the container — images/none.sif — build it: make container"
    assert told in refused(tmp_path, "--sdm", "apptainer", "--configfile", "study.yaml")


def test_a_study_that_goes_on_elsewhere_does_all_that_is_left_in_one_call(study: Path) -> None:
    results = study / "results" / "tiny"
    artifacts.write_json(results / "image.json", {"sha256": "another", "labels": {}})
    (results / "generated" / "seed_1" / "episodes.parquet").unlink()
    assert plan(study) == {(verb, "generated/seed_1") for verb in ("evaluate", "replay")} | TABLES_AND_REPORT
    code, output = snakemake(study)
    assert code == 0, output
    assert artifacts.read_json(results / "image.json")["sha256"] == "none"
    assert (results / "generated" / "seed_1" / "episodes.parquet").exists()
