"""`mimicrl report`: writes the figures and the page of a study."""

from __future__ import annotations

from pathlib import Path

import typer

from mimicrl.stages.options import AllowMissing, StudyPath
from mimicrl.stages.stage import Work, stage


@stage("A study")
def report(work: Work, study: StudyPath, allow_missing: AllowMissing = False) -> Path:
    """Write a study's figures and report.html, one page that needs no other file.

    The same runs give the same bytes.
    """
    from mimicrl.analysis.load import load_results
    from mimicrl.analysis.report.page import page
    from mimicrl.analysis.study_figures import study_figures
    from mimicrl.figures.style import figure_files
    from mimicrl.runs import Study
    from mimicrl.runs.layout import FIGURE_FORMATS

    folder, results = Study(study), load_results(study)
    if not allow_missing:
        results.require_complete()
    work.sign_for(folder)
    drawn = study_figures(results)
    files = figure_files({name: each.figure for name, each in drawn.items()}, FIGURE_FORMATS)
    html = page(results, {name: (each, files[f"{name}.svg"]) for name, each in drawn.items()})
    for name, data in files.items():
        work.write(folder.figures_directory / name, data)
    for file in folder.figures:
        if file.name not in files:  # a figure of an experiment that is no longer in the study
            file.unlink()
    work.complete(folder.report_file, html.encode())
    typer.echo(f"report in {folder.report_file}")
    return folder.report_file
