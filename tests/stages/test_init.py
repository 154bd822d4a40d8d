"""Preparing a run: idempotent, careful about what is there already, and strict about what goes in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stage_calls import prepare_run, prepare_study
from support import TINY

from mimicrl import artifacts, seeding, yaml
from mimicrl.config import RunConfig, StudyConfig
from mimicrl.config.loading import deep_merge
from mimicrl.errors import ConfigError, RunLocked
from mimicrl.motions import MotionClip
from mimicrl.runs import Run, Study, identity, lock
from mimicrl.runs.records import ResolvedStudy
from mimicrl.walkers import library

FILES = {"config.yaml", "run.json", "motion.npz", "walker"}
WRITTEN = FILES - {"walker"} | {"walker.xml", "walker.yaml"}
Make = Callable[..., RunConfig]


def contents(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file but provenance and lock, which tell when they were written."""
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in directory.rglob("*")
        if path.is_file() and path.parent.name != "provenance" and path.name != "lock"
    }


def age(directory: Path) -> None:
    """Let every file be an hour old, whatever the clock's resolution."""
    for path in directory.rglob("*"):
        if path.is_file():
            then = path.stat().st_mtime_ns - 3_600_000_000_000
            os.utime(path, ns=(then, then))


def test_a_run_directory_holds_files_that_agree(tiny: Make, tmp_path: Path) -> None:
    config = tiny()
    run = prepare_run(config, tmp_path, tmp_path / "run")
    assert {path.name for path in run.path.iterdir()} == FILES | {"provenance"}
    assert Run.open(run.path).config == config
    record = identity.verify(run)
    assert record.name == "tiny/walk/1"
    assert record.seeds == seeding.streams(1)._asdict()
    assert record.total_timesteps == config.training.total_timesteps
    for file in run.walker_files:
        assert file.read_bytes() == (library.ROBOTS / "walker3d" / file.name).read_bytes()
    assert MotionClip.load(run.motion_file).speed_mps == pytest.approx(1.25)


def test_preparing_again_changes_no_file(tiny: Make, tmp_path: Path) -> None:
    out = tmp_path / "run"
    prepare_run(tiny(), tmp_path, out)
    age(out)
    before = contents(out)
    prepare_run(tiny(), tmp_path, out)
    assert contents(out) == before


def test_two_directories_of_one_run_have_the_same_files(tiny: Make, tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        prepare_run(tiny(), tmp_path, tmp_path / name)
        found.append({file: content for file, (content, _) in contents(tmp_path / name).items()})
    assert found[0] == found[1]


def test_another_configuration_of_the_same_run_keeps_what_was_trained(tiny: Make, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = prepare_run(tiny(), tmp_path, out)
    kept = first.training.metrics_file
    kept.parent.mkdir(parents=True)
    kept.write_text("history")
    age(out)
    before = contents(out)
    second = prepare_run(tiny(training={"gamma": 0.9}), tmp_path, out)
    assert second.config.training.gamma == 0.9
    assert second.fingerprint != first.fingerprint
    assert identity.verify(second).fingerprint == second.fingerprint
    after = contents(out)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"config.yaml", "run.json"}


def test_the_directory_of_another_run_is_refused(tiny: Make, tmp_path: Path) -> None:
    out = tmp_path / "run"
    prepare_run(tiny(), tmp_path, out)
    before = contents(out)
    with pytest.raises(ConfigError) as caught:
        prepare_run(tiny(seed=2), tmp_path, out)
    assert str(caught.value).startswith(f"the directory belongs to another run — {out} — got {{'study': 'tiny', ")
    assert str(caught.value).endswith("'seed': 2} — choose another --out")
    assert contents(out) == before


def test_a_directory_with_something_else_in_it_is_refused(tiny: Make, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError) as caught:
        prepare_run(tiny(), tmp_path, tmp_path)
    assert str(caught.value) == (
        f"the directory is no run and not empty — {tmp_path} — got thesis.tex — choose another --out"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.tex"}


@pytest.mark.parametrize("left", [{"logs"}, {"walker", ".tmp-00-motion.npz"}, FILES - {"run.json"}])
def test_what_a_log_or_a_killed_preparation_left_is_no_obstacle(tiny: Make, tmp_path: Path, left: set[str]) -> None:
    for name in left:
        (tmp_path / name).mkdir() if name in ("logs", "walker") else (tmp_path / name).write_text("half")
    run = prepare_run(tiny(), tmp_path, tmp_path)
    assert identity.verify(run).seed == 1


def test_no_trainer_starts_while_a_preparation_writes(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare_run(tiny(), tmp_path, tmp_path / "run")
    with lock.hold(run.lock_file, "mimicrl train"):
        pass
    refused = []

    def write(path: Path, data: bytes) -> bool:
        with pytest.raises(RunLocked), lock.hold(run.lock_file, "mimicrl train"):
            pass
        refused.append(path.name)
        return False

    monkeypatch.setattr(artifacts, "write_if_changed", write)
    prepare_run(tiny(training={"gamma": 0.9}), tmp_path, run.path)
    assert set(refused) == WRITTEN


def test_files_are_found_beside_the_study(tiny: Make, tmp_path: Path, clip: MotionClip) -> None:
    (tmp_path / "data").mkdir()
    clip.save(tmp_path / "data" / "walk.npz")
    xml = library.bundled("walker3d").xml.replace("<worldbody>", "<worldbody><!-- mine -->")
    (tmp_path / "data" / "mine.xml").write_text(xml)
    config = tiny(walker={"name": "mine", "file": "data/mine.xml"}, motion={"file": "data/walk.npz"})
    run = prepare_run(config, tmp_path, tmp_path / "run")
    assert run.walker_file.read_text() == xml
    np.testing.assert_array_equal(MotionClip.load(run.motion_file).joint_angles_rad, clip.joint_angles_rad)


def test_a_prepared_study_names_its_runs_and_is_left_alone_when_nothing_changed(tmp_path: Path) -> None:
    study = StudyConfig.model_validate_json(
        json.dumps({"study": "s", "seeds": [3, 5], "experiments": {"a": {}, "b": {"seeds": [7]}}})
    )
    prepare_study(study, tmp_path)
    age(tmp_path)
    before = contents(tmp_path)
    prepare_study(study, tmp_path)
    assert contents(tmp_path) == before
    found = ResolvedStudy.read(Study(tmp_path).study_file)
    assert [(run.experiment, run.seed) for run in found.expected_runs] == [("a", 3), ("a", 5), ("b", 7)]
    assert found.total_timesteps("a") == study.experiments["a"].training.total_timesteps


def test_the_schema_reads_the_resolved_study_again(tmp_path: Path) -> None:
    study = StudyConfig.model_validate_json(json.dumps({"study": "s", "experiments": {"a": {}}}))
    prepare_study(study, tmp_path)
    content, _ = yaml.load(Study(tmp_path).study_file)
    del content["format"], content["expected_runs"]
    assert StudyConfig.model_validate_json(json.dumps(content)) == study


def _study_with(folder: Path, walker: str) -> Path:
    """Write a study of one tiny run beside a walker's folder."""
    small = deep_merge(TINY, {"training": {"total_timesteps": 256}})
    content = {"study": "own", "experiments": {"walk": small | {"walker": {"name": "own", "file": walker}}}}
    file = folder / "study.yaml"
    file.write_text(json.dumps(content))
    return file


def test_a_walker_of_ones_own_is_one_folder_and_nothing_else(mimicrl: Any, tmp_path: Path) -> None:
    folder = tmp_path / "robots" / "own"
    shutil.copytree(library.ROBOTS / "walker3d", folder)
    for file in folder.iterdir():
        text = file.read_text()
        for role in ("hip_flexion", "hip_adduction", "knee_flexion", "ankle_dorsiflexion"):
            text = text.replace(f"{role}_r", f"right_{role[:5]}").replace(f"{role}_l", f"left_{role[:5]}")
        file.write_text(text.replace("heel_r", "back_of_right").replace("ball_l", "front_of_left"))
    study, out = _study_with(tmp_path, "robots/own"), tmp_path / "run"
    assert mimicrl("init", study, "--experiment", "walk", "--seed", 1, "--out", out).err == ""
    run = Run.open(out)
    for file in run.walker_files:
        assert file.read_bytes() == (folder / file.name).read_bytes()
    shutil.rmtree(folder)
    assert mimicrl("train", out).code == 0
    assert mimicrl("evaluate", out).code == 0
    description = json.loads(run.description_file("final").read_text())
    assert "right_knee_" in json.dumps(description)


def test_a_copy_of_the_bundled_walkers_folder_is_the_same_walker(tiny: Make, tmp_path: Path) -> None:
    shutil.copytree(library.ROBOTS / "walker3d", tmp_path / "own")
    runs = [
        prepare_run(tiny(), tmp_path, tmp_path / "bundled"),
        prepare_run(tiny(walker={"name": "own", "file": "own"}), tmp_path, tmp_path / "run"),
    ]
    assert runs[0].fingerprint == runs[1].fingerprint


def test_the_metadata_count_in_the_fingerprint(tiny: Make, tmp_path: Path) -> None:
    shutil.copytree(library.ROBOTS / "walker3d", tmp_path / "own")
    metadata = tmp_path / "own" / library.METADATA
    metadata.write_text(metadata.read_text().replace("[heel_r, ball_r, heel_l, ball_l]", "[heel_r, heel_l]"))
    own = prepare_run(tiny(walker={"name": "own", "file": "own"}), tmp_path, tmp_path / "run")
    assert own.fingerprint != prepare_run(tiny(), tmp_path, tmp_path / "bundled").fingerprint


def test_what_was_inferred_of_a_bare_file_is_said_and_written_down(mimicrl: Any, tmp_path: Path) -> None:
    (tmp_path / "own.xml").write_text(library.bundled("walker3d").xml)
    out = tmp_path / "run"
    done = mimicrl("init", _study_with(tmp_path, "own.xml"), "--experiment", "walk", "--seed", 1, "--out", out)
    assert done.code == 0
    assert done.err == (
        "walker own has no walker.yaml: roles of joints and feet were inferred from names; "
        f"see {out / 'walker' / 'walker.yaml'}\n"
    )
    assert "knee_flexion" in Run.open(out).walker_metadata_file.read_text()
