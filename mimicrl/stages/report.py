"""`mimicrl report`: a study's figures, and its page."""

from __future__ import annotations

from pathlib import Path

import typer

from mimicrl.stages.options import AllowMissing, StudyPath
from mimicrl.stages.stage import Work, stage


@stage("A study")
def report(work: Work, study: StudyPath, allow_missing: AllowMissing = False) -> Path:
    """Write a study's figures and report.html, one page that needs nothing else.

    The same runs give the same bytes.
    """
    from mimicrl.analysis import figures
    from mimicrl.analysis.report import page
    from mimicrl.analysis.study import load
    from mimicrl.runs import Study

    folder, results = Study(study), load(study)
    if not allow_missing:
        results.require_complete()
    work.sign_for(folder)
    drawn = figures.study_figures(results)
    files = figures.figure_files(drawn)
    html = page(results, {name: files[f"{name}.svg"] for name in drawn})
    for name, data in files.items():
        work.write(folder.figures_directory / name, data)
    for file in folder.figures:
        if file.name not in files:  # of an experiment that is gone
            file.unlink()
    work.complete(folder.report_file, html.encode())
    typer.echo(str(folder.report_file))
    return folder.report_file
