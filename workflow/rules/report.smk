# The study's figures and its page.


FIGURES = [*layout.STUDY_FIGURES, *map(layout.gait_figure, STUDY.experiments)]
SHOWN, *OTHERS = layout.FIGURE_FORMATS


rule report:
    input:
        study=FOLDER.study_file,
        image=ancient(FOLDER.image_file),
        tables=rules.aggregate.output,
        outcomes=[run.outcome_file for run in RUNS],
        summaries=[run.summary_file("final") for run in RUNS],
        # The page links to them, so that they are not to be missed.
        episodes=[run.episodes_file("final") for run in RUNS],
        gait_cycles=[run.gait_cycle_file("final") for run in RUNS],
        videos=[run.video_file("final.mp4") for run in RUNS if STUDY.video],
    output:
        page=report(FOLDER.report_file, category="Report"),
        figures=report([FOLDER.figure_file(name, SHOWN) for name in FIGURES], category="Figures"),
        others=[FOLDER.figure_file(name, kind) for name in FIGURES for kind in OTHERS],
    log:
        FOLDER.log_file("report"),
    group:
        "study"
    resources:
        mem_mb=growing(2000),
        runtime=30,
    params:
        name=STUDY.study,
        study=subpath(input.study, parent=True),
    shell:
        "mimicrl report {params.study} 2>&1 | python -m mimicrl.console {log} {params.name}"


WANTED += [rules.report.output, rules.report.input]
