"""What happens when things go wrong: wrong studies, diverging trainings, missing OpenGL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake_calls import snakemake, start, write
from support import TINY

from mimicrl import artifacts
from mimicrl.motions import gait
from mimicrl.runs.records import Provenance

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
    code, output = snakemake(tmp_path)
    assert code == 1 and "Traceback" not in output
    for text in told:
        assert text in output
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("words", [["--configfile", "study.yaml", "other.yaml"], ["--config", "study=mine"]])
def test_a_study_of_several_files_is_refused(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path)
    (tmp_path / "walk.npz").write_bytes(b"")
    (tmp_path / "other.yaml").write_text("seeds: [3]\n")
    with start(tmp_path, *words) as process:
        output, _ = process.communicate()
    assert process.returncode == 1 and "Traceback" not in output
    assert "A study is exactly one YAML file: give one --configfile and no --config" in output
    assert not (tmp_path / "results").exists()


def test_a_diverged_seed_is_a_row_and_all_else_intact(tmp_path: Path, walker) -> None:
    absurd = {"training": {"learning_rate": {"kind": "constant", "start": 1e9}}}
    write(tmp_path, video=False, experiments={"recorded": absurd})
    gait.generate(walker, 1.2).save(tmp_path / "walk.npz")
    code, output = snakemake(tmp_path)
    assert code == 0, output
    results = tmp_path / "results" / "tiny"
    runs = pd.read_parquet(results / "tables" / "runs.parquet").set_index("experiment")
    assert runs["status"].to_dict() == {"generated": "completed", "recorded": "diverged"}
    assert "lower the learning rate" in runs.loc["recorded", "problem"] and np.isfinite(runs["reward"]).all()
    page = (results / "report.html").read_text()
    assert "diverged" in page and "lower the learning rate" in page


def test_without_opengl_a_study_with_videos_is_told_before_any_training(tmp_path: Path, walker) -> None:
    write(tmp_path)
    gait.generate(walker, 1.2).save(tmp_path / "walk.npz")
    code, output = snakemake(tmp_path, "--keep-going", MUJOCO_GL="nonsense")
    assert code == 1
    assert "mimicrl doctor: cannot draw without OpenGL — MUJOCO_GL=nonsense — got nonsense: " in output
    assert "rule train:" not in output


def test_without_opengl_a_study_without_videos_runs_to_its_report(tmp_path: Path) -> None:
    study = {"study": "tiny", "seeds": [1], "video": False, "experiments": {"walk": TINY}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    code, output = snakemake(tmp_path, MUJOCO_GL="nonsense")
    assert code == 0, output
    assert "<video" not in (tmp_path / "results" / "tiny" / "report.html").read_text()
    assert "videos   none asked for" in output


def test_what_a_failed_job_leaves_can_be_put_together_by_hand(study: Path, mimicrl) -> None:
    results = study / "results" / "tiny"
    (results / "recorded" / "seed_1" / "outcome.json").unlink()
    for verb in ("aggregate", "report"):
        refused = mimicrl(verb, results)
        assert refused.code == 3
        assert "1 of 2 runs are missing" in refused.last and "pass --allow-missing" in refused.last
        assert mimicrl(verb, results, "--allow-missing").code == 0
    assert "not trained to its end" in (results / "report.html").read_text()


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
