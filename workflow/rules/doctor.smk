# What the machine can do, tried where videos will be made and before anything is trained.


rule doctor:
    input:
        image=ancient(FOLDER.image_file),
    output:
        FOLDER.doctor_file,
    log:
        FOLDER.log_file("doctor"),
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        name=STUDY.study,
        video="--video" if STUDY.video else "--no-video",
    shell:
        "mimicrl doctor {params.video} --out {output} 2>&1 | python -m mimicrl.console {log} {params.name}"
