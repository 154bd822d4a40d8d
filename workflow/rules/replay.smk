# A video of an episode of the evaluation, the reference beside the walker.


rule replay:
    input:
        config=RUN.config_file,
        policy=RUN.weights_file("final"),
        description=RUN.description_file("final"),
        episodes=RUN.episodes_file("final"),
        image=ancient(FOLDER.image_file),
    output:
        report(
            RUN.video_file("final.mp4"),
            category="Videos",
            labels={"experiment": "{experiment}", "seed": "{seed}"},
        ),
    log:
        RUN.log_file("replay"),
    group:
        "run"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=30,
    params:
        run=subpath(input.config, parent=True),
    shell:
        "mimicrl replay {params.run} --threads {threads}"
        " 2>&1 | python -m mimicrl.console {log} {wildcards.experiment}/seed_{wildcards.seed}"
