"""Snakemake plans nothing in a results folder of an older version, whose files it would remove first."""

from __future__ import annotations

from pathlib import Path

import yaml
from snakemake_calls import snakemake


def test_a_folder_of_an_older_version_is_refused(study: Path) -> None:
    file = study / "results" / "tiny" / "study.yaml"
    content = yaml.safe_load(file.read_text())
    del content["format"]
    file.write_text(yaml.safe_dump(content))
    code, output = snakemake(study, "--force")
    assert code == 1
    assert "made by an older version of mimicrl — results/tiny/study.yaml — use another folder for results" in output
    assert yaml.safe_load(file.read_text()) == content
