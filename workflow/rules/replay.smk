# A video of an episode of the evaluation, the reference beside the walker.


rule replay:
    input:
        config=f"{RUN}/config.yaml",
        policy=f"{RUN}/policies/final/policy.safetensors",
        description=f"{RUN}/policies/final/policy.json",
        episodes=f"{RUN}/episodes.parquet",
        image=ancient(IMAGE_RECORD),
    output:
        report(f"{RUN}/videos/final.mp4", category="Videos", labels={"experiment": "{experiment}", "seed": "{seed}"}),
    log:
        f"{RUN}/logs/replay.log",
    group:
        "run"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=30,
    params:
        run=subpath(input.config, parent=True),
    shell:
        "mimicrl replay {params.run} --threads {threads} 2>&1 | tee -i {log}"
