"""`mimicrl aggregate`: writes the tables of a study, one row per run and one row per experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mimicrl import console
from mimicrl.stages.options import AllowMissing, StudyPath
from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.analysis.aggregate import Aggregate


@stage("A study")
def aggregate(work: Work, study: StudyPath, allow_missing: AllowMissing = False) -> Aggregate:
    """Write the tables of a study: one row per run, and one row per experiment with error bars over seeds.

    The same runs give the same bytes.
    """
    from mimicrl.analysis.aggregate import tabulate
    from mimicrl.analysis.load import load_results
    from mimicrl.runs import Study

    folder, results = Study(study), load_results(study)
    if not allow_missing:
        results.require_complete()
    work.sign_for(folder)
    made = tabulate(results)
    for name, content in made.tables.items():
        work.write(folder.table_file(name), content)
    work.complete(folder.manifest_file, made.manifest.to_bytes())
    for line in made.headline:
        console.detail(line)
    typer.echo(f"tables of {len(made.runs)} runs in {folder.tables_directory}")
    return made
