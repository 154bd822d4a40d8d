# One verb for each thing one does here. All but help, lock and clean set up .venv first, once.
PYTHON ?= python3
TORCH_INDEX ?=
STUDY ?= configs/demo.yaml
PROFILE ?= workflow/profiles/default

LOCK := containers/requirements.lock
SETUP := .venv/.setup
SNAKEFILES := Snakefile workflow

COMPILE := .venv/bin/pip-compile --quiet --all-build-deps --generate-hashes --strip-extras --unsafe-package torch \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo resume test check format smoke bench soak container lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP)  ## install the locked packages into .venv (PYTHON=python3.12, TORCH_INDEX=URL of another build of torch)

demo: $(SETUP)  ## two walkers learn to walk: evaluation, videos, tables, results/demo/report.html
	snakemake --cores all --workflow-profile workflow/profiles/default --configfile configs/demo.yaml

resume: $(SETUP)  ## after a crash or kill -9: unlock a study and go on with it (STUDY=configs/demo.yaml PROFILE=workflow/profiles/slurm)
	snakemake --unlock --configfile $(STUDY)
	snakemake --rerun-incomplete --workflow-profile $(PROFILE) --configfile $(STUDY)

test: $(SETUP)  ## run the tests
	OMP_NUM_THREADS=1 pytest

check: $(SETUP)  ## check format, style, types, imports and workflow
	ruff format --check
	ruff check
	pyright
	lint-imports --no-logo
	snakefmt --check $(SNAKEFILES)
	snakemake --lint
	pytest tests/test_house.py

format: $(SETUP)  ## format everything and mend what can be mended
	ruff check --fix --exit-zero --quiet
	ruff format
	snakefmt $(SNAKEFILES)
	python -m mimicrl.config.schema workflow/schemas
	python -m mimicrl.envs.page docs/environment.md

smoke: $(SETUP)  ## run the whole workflow on a tiny study
	snakemake --cores 2 --configfile configs/smoke.yaml

bench: $(SETUP)  ## print a short version of the benchmarks of speed
	python -m benchmarks.stepping --quick
	python -m benchmarks.training --quick
	python -m benchmarks.learning --quick
	python -m benchmarks.rendering --quick
	python -m benchmarks.pipeline --quick
	python -m benchmarks.scaling --quick

soak: $(SETUP)  ## kill trainings at random for an hour and count what is lost
	python -m benchmarks.soak

container:  ## build the container's image (without a registry: BOOTSTRAP=oci-archive BASE=FILE of containers/make-base)
	containers/build containers/mimicrl.sif

# torch comes last: all other packages are installed by hash, while torch, which has none, may come from any
# index and bring the libraries of its build.
$(SETUP): $(LOCK) pyproject.toml | .venv/bin/python
	grep -v '^torch==' $(LOCK) | .venv/bin/pip install --quiet --no-deps --require-hashes -r /dev/stdin
	.venv/bin/pip install --quiet $(addprefix --extra-index-url ,$(TORCH_INDEX)) "$$(grep '^torch==' $(LOCK))"
	.venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	.venv/bin/pip check
	touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv

# pip-compile warns that torch stays without a hash, as it should. What no step takes stands last in the lock.
lock: | .venv/bin/python  ## resolve the dependencies of pyproject.toml again, where torch is the CPU build
	.venv/bin/pip install --quiet pip-tools==7.6.2
	mkdir -p build && cp $(LOCK) build/all
	$(COMPILE) --all-extras --output-file build/all pyproject.toml
	cp build/all build/steps
	$(COMPILE) --extra wandb --output-file build/steps pyproject.toml
	{ sed '/^[^#]/,$$d' $(LOCK); \
	    sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml; \
	    sed '/^#/d; /^$$/d' build/steps; \
	    echo '# From here on: what only the Slurm executor, tests and checks take; the container goes without.'; \
	    awk 'NR == FNR {steps[$$0]; next} /^[^ ]/ {keep = !($$0 in steps) && !/^#/} keep && NF' build/steps build/all; \
	} > build/lock
	mv build/lock $(LOCK)

clean:  ## remove caches and build leftovers; .venv and results stay
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find mimicrl tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
