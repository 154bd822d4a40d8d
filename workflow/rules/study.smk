# The resolved study and the runs it expects.


rule study:
    input:
        image=ancient(FOLDER.image_file),
    output:
        FOLDER.study_file,
    log:
        FOLDER.log_file("study"),
    localrule: True
    params:
        name=STUDY.study,
        resolved=STUDY.model_dump_json(),
        file=STUDY_FILE,
        directory=subpath(output[0], parent=True),
    shell:
        "mimicrl init {params.file:q} --out {params.directory} 2>&1 | python -m mimicrl.console {log} {params.name}"
