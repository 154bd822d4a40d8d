# Training. Only small final files are outputs: Snakemake deletes outputs before a job and after a failed one, so the
# training state with its checkpoints (training/FINGERPRINT) is not declared, and a killed training continues.


rule train:
    input:
        config=RUN.config_file,
        motion=RUN.motion_file,
        walker=RUN.walker_files,
        plugins=[RUN.plugin_file(name) for name in STUDY.plugins],
        # Only first in time: another machine or image is no reason to train again.
        doctor=ancient(rules.doctor.output[0]),
        image=ancient(FOLDER.image_file),
    output:
        trained=RUN.trained_files,
        outcome=RUN.outcome_file,
    log:
        RUN.log_file("train"),
    # Not by the Snakemake inside of a cluster's job, where nothing has changed: the one that sent the job tries again.
    retries: 0 if workflow.remote_exec else 2
    threads: training_cores
    resources:
        mem_mb=growing(1500),
        runtime=240,
    params:
        run=subpath(input.config, parent=True),
    # A cluster ends a job by SIGTERM to all its processes, and seconds later by SIGKILL: the shell must outlive the
    # first, or the trainer is left alone, out of the scheduler's sight or killed before it has saved.
    shell:
        "trap '' TERM; mimicrl train {params.run} --record-divergence --cores {threads}"
        " 2>&1 | python -m mimicrl.console {log} {wildcards.experiment}/seed_{wildcards.seed}"
