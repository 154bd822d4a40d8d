# The container's image, hashed once a study; each step's provenance has its digest. That of another image is no reason to
# run a step again, or every build would train everything anew: the tables mark rows that mix images.


rule image:
    input:
        [IMAGE] if CONTAINED else [],
    output:
        IMAGE_RECORD,
    log:
        f"{STUDY_DIRECTORY}/logs/image.log",
    localrule: True
    shell:
        "mimicrl image --out {output} 2>&1 | tee -i {log}"
