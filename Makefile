# `make demo` and `make test` set up everything they need. Nothing is done twice: the stamp is newer than what it came from.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
LOCKED := engine dask ray api copilot gcp s3 ui dev

.PHONY: help demo test up screenshots bench eval lock format clean

help: ## What can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(STAMP) ## Take the two demo workspaces from source to published forecasts, and show them
	@$(BIN)/python scripts/demo.py

test: $(STAMP) ## Lint, types, walls between the rooms, tests with coverage
	@echo "== ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "== mypy" && $(BIN)/mypy
	@echo "== import-linter" && $(BIN)/lint-imports
	@echo "== pytest" && $(BIN)/python -m pytest -n auto --cov --cov-report=term

up: $(STAMP) ## Serve the web app at http://127.0.0.1:8501 and the API at http://127.0.0.1:8000/api/v1 (Ctrl-C ends both)
	@$(BIN)/python scripts/up.py

screenshots: $(STAMP) ## Take pictures of every page into docs/img (needs Chromium)
	@$(BIN)/python scripts/screenshots.py

bench: $(STAMP) ## Measure time, memory and accuracy, side by side
	@for what in pipelines m4-hourly m5 scale covariates api app; do $(BIN)/python scripts/benchmark.py $$what; done

eval: $(STAMP) ## Ask the copilot every question of its evaluation, over what `make demo` has published
	@$(BIN)/python scripts/evaluate_copilot.py

lock: $(STAMP) ## Resolve pyproject.toml into requirements.lock
	@$(BIN)/uv pip compile pyproject.toml $(LOCKED:%=--extra %) --upgrade --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
	  --quiet --output-file requirements.lock

format: $(STAMP) ## Let ruff correct what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean: ## Remove what was made: environment, caches, data and artifacts
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* artifacts data/raw data/processed data/cache

$(STAMP): requirements.lock pyproject.toml
	@echo "== setting up .venv (once, and after a change of requirements.lock)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version.split()[0] + ". Name one: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE "^uv==[0-9.]+" requirements.lock)"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
