# The episodes of the final policy, what they come to, and its joint angles over the gait cycle.


rule evaluate:
    input:
        config=RUN.config_file,
        policy=RUN.weights_file("final"),
        description=RUN.description_file("final"),
        outcome=RUN.outcome_file,
        image=ancient(FOLDER.image_file),
    output:
        episodes=RUN.episodes_file("final"),
        summary=RUN.summary_file("final"),
        gait_cycle=RUN.gait_cycle_file("final"),
    log:
        RUN.log_file("evaluate"),
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
        "mimicrl evaluate {params.run} --threads {threads}"
        " 2>&1 | python -m mimicrl.console {log} {wildcards.experiment}/seed_{wildcards.seed}"
