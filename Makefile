# Every target installs what it needs into .venv first. Nothing but Python >= 3.11 and make is assumed.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
RUN ?= runs
DATA ?= demo/corpus
SET ?=
CORPUS = --set data.data_dir=$(DATA) --set data.cache_dir=cache/$(notdir $(DATA)) $(FEW) $(SET)
# Of a handful of simulated seizures an early epoch finds all: AUROC tells the epochs apart.
FEW = $(if $(filter demo/corpus,$(DATA)),--set training.early_stopping.metric=auroc)

.PHONY: help demo test test-all check q bench train-local train-prod resume tensorboard clean

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

train-local: .venv/use $(DATA)  ## configs/local.yaml on simulated patients, or on DATA=folder; SET="--set key=value"
	$(BIN)/neurorun train configs/local.yaml $(CORPUS)

train-prod: .venv/use $(DATA)  ## configs/production.yaml, the full model (64 GB as it is; SET="--set data.batch_size=1": 2 GB)
	$(BIN)/neurorun train configs/production.yaml $(CORPUS)

resume: .venv/use  ## go on with an interrupted run (RUN=folder)
	$(BIN)/neurorun train --resume $(RUN)

demo/corpus: .venv/use
	@rm -rf $@.unfinished
	$(BIN)/neurorun simulate corpus $@.unfinished --patients 40 --recordings 1
	@mv $@.unfinished $@

tensorboard: .venv/use  ## watch the runs (RUN=folder)
	$(BIN)/tensorboard --logdir $(RUN)

clean:  ## remove the environment and what tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
