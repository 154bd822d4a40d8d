# One verb for each thing one does here. All but help, lock and clean set up .venv first, once.
PYTHON ?= python3
TORCH_INDEX ?=
STUDY ?= configs/demo.yaml

LOCK := containers/requirements.lock
SETUP := .venv/.setup
SNAKEFILES := Snakefile workflow

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo resume test check format smoke bench soak lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP)  ## install the locked packages into .venv (PYTHON=python3.12, TORCH_INDEX=URL of another build of torch)

demo: $(SETUP)  ## two walkers learn to walk: evaluation, videos, tables, results/demo/report.html
	snakemake --cores all --workflow-profile workflow/profiles/default --configfile configs/demo.yaml

resume: $(SETUP)  ## after a crash or kill -9: unlock a study and go on with it (STUDY=configs/demo.yaml)
	snakemake --unlock --configfile $(STUDY)
	snakemake --cores all --rerun-incomplete --workflow-profile workflow/profiles/default --configfile $(STUDY)

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
	python -m mimicrl.mimic.document docs/environment.md

smoke: $(SETUP)  ## run the whole workflow on a tiny study
	snakemake --cores 2 --configfile configs/smoke.yaml

bench: $(SETUP)  ## print a short version of the learning benchmark
	python -m benchmarks.learning --quick

soak: $(SETUP)  ## kill trainings at random for an hour and count what is lost
	python -m benchmarks.soak

# torch comes last: all other packages are installed by hash, while torch, which has none, may come from any
# index and bring the GPU libraries of its build.
$(SETUP): $(LOCK) pyproject.toml | .venv/bin/python
	grep -v '^torch==' $(LOCK) | .venv/bin/pip install --quiet --no-deps --require-hashes -r /dev/stdin
	.venv/bin/pip install --quiet $(addprefix --extra-index-url ,$(TORCH_INDEX)) "$$(grep '^torch==' $(LOCK))"
	.venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	.venv/bin/pip check
	touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv

# pip-compile warns that torch stays without a hash, as it should.
lock: | .venv/bin/python  ## resolve the dependencies of pyproject.toml again, where torch is the CPU build
	.venv/bin/pip install --quiet pip-tools==7.6.2
	mkdir -p build && cp $(LOCK) build/pins
	.venv/bin/pip-compile --quiet --all-extras --all-build-deps --generate-hashes --strip-extras --unsafe-package torch \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file build/pins pyproject.toml
	{ grep '^#' $(LOCK); sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml; sed '/^#/d; /^$$/d' build/pins; } > build/lock
	mv build/lock $(LOCK)

clean:  ## remove caches and build leftovers; .venv and results stay
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find mimicrl tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
