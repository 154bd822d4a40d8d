"""Finding: a folder's studies and runs, or the one that it is, in their natural order."""

from __future__ import annotations

from pathlib import Path

from mimicrl.runs import Run, Study, find


def test_runs_and_studies_are_found_in_their_natural_order(tmp_path: Path) -> None:
    for name in ("study/walk/seed_10", "study/walk/seed_9", "alone"):
        (tmp_path / name).mkdir(parents=True)
        Run(tmp_path / name).run_file.touch()
    Study(tmp_path / "study").study_file.touch()
    assert find.studies(tmp_path) == [Study(tmp_path / "study")] == find.studies(tmp_path / "study")
    runs = [run.path.name for run in find.runs(tmp_path)]
    assert runs == ["alone", "seed_9", "seed_10"]
    assert find.runs(tmp_path / "alone") == [Run(tmp_path / "alone")]
