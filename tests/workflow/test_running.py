"""What happens when things go wrong: wrong studies, diverging trainings, missing OpenGL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake_calls import refused, snakemake, write

from mimicrl import artifacts
from mimicrl.motions import gait
from mimicrl.runs.records import Provenance
from mimicrl.walkers import Walker

WRONG = {
    "two values": (
        {"experiments": {"generated": {"training": {"gama": 0.9}}, "recorded": {"training": {"batch_size": 100}}}},
        ["2 errors in the configuration", "gama: unknown key — did you mean gamma?", "batch_size must divide"],
    ),
    "a missing file": (
        {"experiments": {"recorded": {"motion": {"file": "none.npz"}}}},
        ["a motion or walker file does not exist", "experiments.recorded: none.npz"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_study_is_refused_before_any_job(tmp_path: Path, case: str) -> None:
    changes, told = WRONG[case]
    write(tmp_path, **changes)
    (tmp_path / "walk.npz").write_bytes(b"")
    output = refused(tmp_path, "--configfile", "study.yaml")
    for text in told:
        assert text in output


@pytest.mark.parametrize("words", [["--configfile", "study.yaml", "other.yaml"], ["--config", "study=mine"]])
def test_a_study_of_several_files_is_refused(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path)
    (tmp_path / "walk.npz").write_bytes(b"")
    (tmp_path / "other.yaml").write_text("seeds: [3]\n")
    told = "A study is exactly one YAML file: give one --configfile and no --config"
    assert told in refused(tmp_path, *words)


def test_without_opengl_a_study_without_videos_runs_to_its_report_and_a_diverged_seed_is_a_row(
    tmp_path: Path, walker: Walker
) -> None:
    absurd = {"training": {"learning_rate": {"kind": "constant", "start": 1e9}}}
    write(tmp_path, video=False, experiments={"recorded": absurd})
    gait.generate(walker, 1.2).save(tmp_path / "walk.npz")
    code, output = snakemake(tmp_path, MUJOCO_GL="nonsense")
    assert code == 0, output
    assert "videos   none asked for" in output
    results = tmp_path / "results" / "tiny"
    runs = pd.read_parquet(results / "tables" / "runs.parquet").set_index("experiment")
    assert runs["status"].to_dict() == {"generated": "completed", "recorded": "diverged"}
    assert "lower the learning rate" in str(runs.loc["recorded", "problem"])
    assert np.isfinite(runs["reward"]).all()
    page = (results / "report.html").read_text()
    assert "diverged" in page
    assert "lower the learning rate" in page
    assert "<video" not in page


def test_without_opengl_a_study_with_videos_is_told_before_any_training(tmp_path: Path, walker: Walker) -> None:
    write(tmp_path)
    gait.generate(walker, 1.2).save(tmp_path / "walk.npz")
    code, output = snakemake(tmp_path, "--keep-going", MUJOCO_GL="nonsense")
    assert code == 1
    assert "mimicrl doctor: cannot draw without OpenGL — MUJOCO_GL=nonsense — got nonsense: " in output
    assert "rule train:" not in output


def test_a_folder_of_an_older_version_is_refused(study: Path) -> None:
    file = study / "results" / "tiny" / "study.yaml"
    content = yaml.safe_load(file.read_text())
    del content["format"]
    file.write_text(yaml.safe_dump(content))
    code, output = snakemake(study, "--force")
    assert code == 1
    assert "made by an older version of mimicrl — results/tiny/study.yaml — use another folder for results" in output
    assert yaml.safe_load(file.read_text()) == content, "Snakemake would remove first what it makes anew"


def test_every_result_has_the_hash_that_its_stage_signed_for(finished: Path) -> None:
    records = sorted((finished / "results").rglob("provenance/*.json"))
    folders = {file: file.parents[1] for file in records}
    signed = {
        folder / name: sha256
        for file, folder in folders.items()
        for name, sha256 in Provenance.read(file).outputs.items()
    }
    assert {file.stem for file in records} == {"init", "train", "evaluate", "replay", "aggregate", "report"}
    assert {file: artifacts.file_sha256(file) for file in signed} == signed
    unsigned = {"logs", "provenance", "training", "tb_logs"}  # a training state is in flux, and has its own manifests
    results = {file for file in (finished / "results").rglob("*") if file.is_file() and unsigned.isdisjoint(file.parts)}
    left = {file.name for file in results - signed.keys()}
    assert left == {"doctor.json", "image.json", "lock", "progress.json"}
