# What the machine can do, tried where videos will be made and before anything is trained.


rule doctor:
    input:
        image=ancient(IMAGE_RECORD),
    output:
        f"{STUDY_DIRECTORY}/doctor.json",
    log:
        f"{STUDY_DIRECTORY}/logs/doctor.log",
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        video="--video" if STUDY.video else "--no-video",
    shell:
        "mimicrl doctor {params.video} --out {output} 2>&1 | tee -i {log}"
