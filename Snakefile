# Start here: `snakemake --cores all` plans the study of configs/demo.yaml; the stages are in workflow/rules.
include: "workflow/Snakefile"


# An include drops the included file's default target.
rule default:
    default_target: True
    input:
        rules.all.input,
