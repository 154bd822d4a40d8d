# The episodes of the final policy, what they come to, and its joint angles over the gait cycle.


rule evaluate:
    input:
        config=f"{RUN}/config.yaml",
        policy=f"{RUN}/policies/final/policy.safetensors",
        description=f"{RUN}/policies/final/policy.json",
        outcome=f"{RUN}/outcome.json",
        image=ancient(IMAGE_RECORD),
    output:
        episodes=f"{RUN}/episodes.parquet",
        summary=f"{RUN}/summary.json",
        gait_cycle=f"{RUN}/gait_cycle.parquet",
    log:
        f"{RUN}/logs/evaluate.log",
    # With replay, so that these short jobs queue once on a cluster.
    group:
        "run"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=30,
    params:
        run=subpath(input.config, parent=True),
    shell:
        "mimicrl evaluate {params.run} --threads {threads} 2>&1 | tee -i {log}"
