# Every task of this project. `make help` explains them; options go in ARGS="...".
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install demo test check fix bench drills samples clean
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then echo $$p; break; fi; done)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=
JOBS ?= 3

help: ## Explain the tasks
	@echo "Vorbehalt: tells machines what is reserved, turns away those you name, keeps proof."
	@echo
	@grep -hE '^[a-z]+:.*?## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*?## "} {printf "  make %-9s %s\n", $$1, $$2}'
	@echo
	@echo 'Options of a task: make demo ARGS="--once --json"; make test ARGS="tests/policy -x"'

install: $(VENV)/.run ## Set up .venv with everything a user gets (command line, sidecar)

demo: $(VENV)/.run ## Watch real clients meet a protected site; --once ends, --json prints the result
	@$(BIN)/vorbehalt demo $(ARGS)

test: $(VENV)/.dev ## Pass all tests (installs nginx, Chromium, ... first where this is Debian and you are root)
	@tests/install-components
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

check: $(VENV)/.dev ## Format, lint, types and architecture, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=middleware:rules $(BIN)/lint-imports

fix: $(VENV)/.dev ## Format and mend what can be mended mechanically
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.bench ## Print the benchmark table (medians of interleaved rounds, ratios, misses)
	@$(BIN)/python tests/benchmarks/run.py $(ARGS)

drills: $(VENV)/.drill ## Long fault and load runs on loopback, and every real client of the live matrix
	@tests/install-components --drill
	@$(BIN)/python -m pytest -m drill --timeout 900 $(ARGS)

samples: $(VENV)/.dev ## Make the sample dossier, letters and reports of docs/samples again
	@PYTHONPATH=tests $(BIN)/python -m samples.make docs/samples

clean: ## Remove .venv and caches
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis dist

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; on Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q python3-venv; } >&2; \
		else echo "the venv module is missing; run: sudo apt-get install python3-venv" >&2; exit 1; fi; fi
	@$(PYTHON) -m venv $(VENV) >&2
	@$(PIP) --upgrade pip >&2

$(VENV)/.run: $(VENV)/bin/python pyproject.toml
	@echo "installing Vorbehalt into $(VENV) ..." >&2
	@$(PIP) -e '.[sidecar]' >&2
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing what the tests need into $(VENV) ..." >&2
	@$(PIP) -e '.[sidecar,verify,speed,anchor]' --group dev --group test >&2
	@touch $@

$(VENV)/.drill: $(VENV)/.dev
	@echo "installing the clients of the drills into $(VENV) ..." >&2
	@$(PIP) --group drill >&2
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	@echo "installing what is compared into $(VENV) ..." >&2
	@$(PIP) --group bench >&2
	@touch $@
