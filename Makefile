# One target for each thing you do here. All of them but help, container, lock and clean first set up .venv, once.
STUDY ?= configs/demo.yaml
PROFILE ?= workflow/profiles/default
# Further options of Snakemake, for `make resume`.
ARGS ?=

LOCK := containers/requirements.lock
SETUP := .venv/.setup
SNAKEFILES := Snakefile workflow

COMPILE := build/pip-tools/bin/pip-compile --quiet --all-build-deps --generate-hashes --strip-extras --unsafe-package torch \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links

# Two at once: more of them disturb the tests that kill and wait. What shares something is in one group (tests/conftest.py).
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 pytest -n 2 --dist loadscope --no-loadscope-reorder

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo resume test test-fast check format smoke bench soak container lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## install the locked packages into .venv, or mend it (PYTHON=python3.12, TORCH=cpu|cuda|URL of an index)
	./setup.sh

demo: $(SETUP)  ## two walkers learn to walk: evaluation, videos, tables, results/demo/report.html
	snakemake --cores all --workflow-profile workflow/profiles/default --configfile configs/demo.yaml

resume: $(SETUP)  ## after a crash or kill -9: unlock a study and continue it (STUDY=FILE PROFILE=FOLDER ARGS="--sdm apptainer")
	snakemake --unlock --configfile $(STUDY)
	snakemake --rerun-incomplete --workflow-profile $(PROFILE) --configfile $(STUDY) $(ARGS)

test: $(SETUP)  ## run all tests
	$(PYTEST)

test-fast: $(SETUP)  ## run the tests that take no more than three minutes together
	$(PYTEST) -m "not slow"

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
	python -m benchmarks.page
	python .ci/faults_page.py docs/faults.md

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

$(SETUP): $(LOCK) pyproject.toml setup.sh
	./setup.sh

# pip-compile warns that torch stays without a hash, as it should. What no step takes stands last in the lock.
lock:  ## resolve the dependencies of pyproject.toml again, where torch is the CPU build
	$(or $(PYTHON),python3) -m venv build/pip-tools
	build/pip-tools/bin/pip install --quiet pip-tools==7.6.2
	cp $(LOCK) build/all
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
