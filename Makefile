# Every target installs what it needs into .venv first. Nothing but Python >= 3.11 and make is assumed.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
RUN ?= runs

.PHONY: help demo test test-all check q bench train-local train-prod tensorboard clean

help:  ## this list
	@grep -hE '^[a-z-]+.*:.*## ' Makefile | sed -E 's/^([a-z-]+)[^#]*## /  \1\t/' | expand -t 16

.venv/use: pyproject.toml constraints.txt
	@echo "Installing neurorun into .venv (a minute or two, once) ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) --editable ".[train,report,mne]"
	@touch $@

.venv/dev: .venv/use
	@echo "Installing the tools for tests and checks into .venv ..."
	@$(PIP) --editable ".[dev]"
	@touch $@

demo: .venv/use  ## simulate a corpus, train a detector, score it, write a report
	@$(BIN)/neurorun demo --out demo

test: .venv/dev  ## the test suite with its coverage gates, under 20 minutes on two cores
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not gpu" --cov --cov-report=
	@for room in core evaluation runs; do \
	    $(BIN)/python -m coverage report --include="src/neurorun/$$room/*" --fail-under=95 || exit 1; \
	done

test-all: .venv/dev  ## everything, the slow tests too
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not gpu"

check: .venv/dev  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

q: check  ## the same as check

bench: .venv/dev  ## speed as ratios measured side by side, one JSON line per figure
	@for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

train-local: .venv/use  ## train with configs/local.yaml
	$(BIN)/neurorun train configs/local.yaml

train-prod: .venv/use  ## train with configs/production.yaml
	$(BIN)/neurorun train configs/production.yaml

tensorboard: .venv/use  ## watch the runs (RUN=folder)
	$(BIN)/tensorboard --logdir $(RUN)

clean:  ## remove the environment and what tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
