# The resolved study and the runs it expects.


rule study:
    output:
        f"results/{STUDY.study}/study.yaml",
    log:
        f"results/{STUDY.study}/logs/study.log",
    localrule: True
    params:
        resolved=STUDY.model_dump_json(),
        file=STUDY_FILE,
        directory=subpath(output[0], parent=True),
    shell:
        "mimicrl init {params.file:q} --out {params.directory} 2>&1 | tee -i {log}"
