# The container's image, hashed once a study; each step's provenance has its digest. That of another image is no reason to
# run a step again, or every build would train everything anew: the tables mark rows that mix images. Nor is it a reason to
# run this rule again: of jobs that only wait for one that must run, Snakemake would not see that they must run themselves.
# So where the image is another one, the record is brought up to date before any job starts (`opening_lines`).


rule image:
    output:
        FOLDER.image_file,
    log:
        FOLDER.log_file("image"),
    localrule: True
    params:
        name=STUDY.study,
    shell:
        "mimicrl image --out {output} 2>&1 | python -m mimicrl.console {log} {params.name}"
