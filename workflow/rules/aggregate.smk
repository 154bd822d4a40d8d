# All runs of the study in tables: one row per run, and one per experiment with error bars over seeds.


rule aggregate:
    input:
        study=FOLDER.study_file,
        image=ancient(FOLDER.image_file),
        outcomes=[run.outcome_file for run in RUNS],
        summaries=[run.summary_file("final") for run in RUNS],
    output:
        tables=FOLDER.tables,
        headline=FOLDER.headline_file,
        manifest=FOLDER.manifest_file,
    log:
        FOLDER.log_file("aggregate"),
    group:
        "study"
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        name=STUDY.study,
        study=subpath(input.study, parent=True),
    shell:
        "mimicrl aggregate {params.study} 2>&1 | python -m mimicrl.console {log} {params.name}"


# What the tables are made of, too, or a file that was deleted would not be missed.
WANTED += [rules.aggregate.output, rules.aggregate.input]
