# All runs of the study in tables: one row a run, and one an experiment with error bars over seeds.


rule aggregate:
    input:
        study=f"{STUDY_DIRECTORY}/study.yaml",
        image=ancient(IMAGE_RECORD),
        outcomes=expand("{run}/outcome.json", run=RUN_DIRECTORIES),
        summaries=expand("{run}/summary.json", run=RUN_DIRECTORIES),
    output:
        runs=multiext(f"{STUDY_DIRECTORY}/tables/runs", ".csv", ".parquet"),
        experiments=multiext(f"{STUDY_DIRECTORY}/tables/experiments", ".csv", ".md", ".parquet", ".tex"),
        headline=f"{STUDY_DIRECTORY}/tables/headline.txt",
        manifest=f"{STUDY_DIRECTORY}/manifest.json",
    log:
        f"{STUDY_DIRECTORY}/logs/aggregate.log",
    group:
        "study"
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        study=subpath(input.study, parent=True),
    shell:
        "mimicrl aggregate {params.study} 2>&1 | tee -i {log}"
