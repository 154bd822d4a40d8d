# The resolved study and the runs it expects.


rule study:
    input:
        image=ancient(IMAGE_RECORD),
    output:
        f"{STUDY_DIRECTORY}/study.yaml",
    log:
        f"{STUDY_DIRECTORY}/logs/study.log",
    localrule: True
    params:
        resolved=STUDY.model_dump_json(),
        file=STUDY_FILE,
        directory=subpath(output[0], parent=True),
    shell:
        "mimicrl init {params.file:q} --out {params.directory} 2>&1 | tee -i {log}"
