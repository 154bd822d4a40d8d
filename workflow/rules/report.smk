# The study's figures and its page.


FIGURES = ["learning_curves", "final_evaluation", *(f"gait_{name}" for name in STUDY.experiments)]


rule report:
    input:
        study=f"{STUDY_DIRECTORY}/study.yaml",
        image=ancient(IMAGE_RECORD),
        tables=rules.aggregate.output,
        outcomes=expand("{run}/outcome.json", run=RUN_DIRECTORIES),
        summaries=expand("{run}/summary.json", run=RUN_DIRECTORIES),
        # The page links to them, so that they are not to be missed.
        episodes=expand("{run}/episodes.parquet", run=RUN_DIRECTORIES),
        gait_cycles=expand("{run}/gait_cycle.parquet", run=RUN_DIRECTORIES),
        videos=expand("{run}/videos/final.mp4", run=RUN_DIRECTORIES if STUDY.video else []),
    output:
        page=report(f"{STUDY_DIRECTORY}/report.html", category="Report"),
        figures=report(expand(f"{STUDY_DIRECTORY}/figures/{{figure}}.svg", figure=FIGURES), category="Figures"),
        others=expand(f"{STUDY_DIRECTORY}/figures/{{figure}}.{{format}}", figure=FIGURES, format=["pdf", "png"]),
    log:
        f"{STUDY_DIRECTORY}/logs/report.log",
    group:
        "study"
    resources:
        mem_mb=growing(2000),
        runtime=30,
    params:
        study=subpath(input.study, parent=True),
    shell:
        "mimicrl report {params.study} 2>&1 | tee -i {log}"
