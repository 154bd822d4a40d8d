# One directory per run: its resolved configuration, the motion on the walker, the walker's MJCF and metadata, the study's plugins.
# The study's file is a parameter and no input, or editing one experiment would rerun all.


rule init:
    input:
        experiment_files,
        plugins=PLUGINS,
        image=ancient(FOLDER.image_file),
    output:
        config=RUN.config_file,
        motion=RUN.motion_file,
        walker=RUN.walker_files,
        plugins=[RUN.plugin_file(name) for name in STUDY.plugins],
    log:
        RUN.log_file("init"),
    # Before any training starts, so that a bad motion or walker is told while nothing is lost.
    priority: 1
    localrule: True
    params:
        resolved=resolved_run,
        file=STUDY_FILE,
        run=subpath(output.config, parent=True),
    shell:
        "mimicrl init {params.file:q} --experiment {wildcards.experiment} --seed {wildcards.seed}"
        " --out {params.run}"
        " 2>&1 | python -m mimicrl.console {log} {wildcards.experiment}/seed_{wildcards.seed}"
