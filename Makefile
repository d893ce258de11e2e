# `make demo` and `make test` set up everything they need. Nothing is done twice: the stamp is newer than what it came from.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
LOCKED := engine dask ray api copilot gcp s3 ui dev
IMAGES := api pipelines app
SLOW := tests/browser tests/proof tests/scripts/dev
RESOLVE := $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" --quiet
PARTS := --extra engine --extra gcp --constraint requirements.lock

.PHONY: help demo test test-all up screenshots bench eval images sbom audit lock format clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(STAMP) ## Take the two demo workspaces from source to published forecasts, and show them
	@$(BIN)/python scripts/demo.py

test: $(STAMP) ## Lint, types, import contracts, tests with coverage
	@echo "== ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "== mypy" && $(BIN)/mypy
	@echo "== import-linter" && $(BIN)/lint-imports
	@echo "== pytest" && $(BIN)/python -m pytest -n auto --durations=10 --cov --cov-report=term $(SLOW:%=--ignore=%)

test-all: test ## The same, then the tests in a browser (needs Chromium), the stress tests and those of the benchmarks
	@echo "== pytest, slow" && $(BIN)/python -m pytest -n auto $(SLOW)

up: $(STAMP) ## Serve the web app at http://127.0.0.1:8501 and the API at http://127.0.0.1:8000/api/v1 (Ctrl-C ends both)
	@$(BIN)/python scripts/up.py

screenshots: $(STAMP) ## Take pictures of every page into docs/img (needs Chromium)
	@$(BIN)/python scripts/dev/screenshots.py

bench: $(STAMP) ## Measure time, memory and accuracy, side by side
	@for what in pipelines m4-hourly m5 scale covariates api app copilot monitoring proof; do $(BIN)/python scripts/dev/benchmark.py $$what; done

eval: $(STAMP) ## Ask the copilot every question of its evaluation, over what `make demo` has published
	@$(BIN)/python scripts/dev/evaluate_copilot.py

images: $(STAMP) ## Lint, build and start the images, and walk the API in them (needs Docker, or buildah as root)
	@$(BIN)/python -m scripts.dev.images

sbom: $(STAMP) ## What is in each image, as CycloneDX in dist/, and the licences of all of it in docs/LICENCES.md
	@mkdir -p dist
	@for image in $(IMAGES); do $(BIN)/cyclonedx-py requirements images/$$image.lock --output-reproducible --output-file dist/$$image.cdx.json; done
	@sed '/^|/,$$d' docs/LICENCES.md > dist/LICENCES.md
	@$(BIN)/pip-licenses --from=mixed --format=markdown --order=license --packages $$(grep -hoE '^[a-z0-9._-]+==' images/*.lock | tr -d = | sort -u) \
	  | grep -E '^\| ?[A-Za-z]|^\|--' >> dist/LICENCES.md
	@mv dist/LICENCES.md docs/LICENCES.md

audit: $(STAMP) ## Ask the vulnerability service about what is in each image; a package that it does not know fails, too
	@for image in $(IMAGES); do echo "== $$image" && $(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement images/$$image.lock; done

lock: $(STAMP) ## Resolve pyproject.toml into requirements.lock, and the part of it that each image holds
	@$(RESOLVE) $(LOCKED:%=--extra %) --upgrade --output-file requirements.lock
	@$(RESOLVE) $(PARTS) --extra api --extra copilot --excludes images/api.excludes --output-file images/api.lock
	@$(RESOLVE) $(PARTS) --excludes images/pipelines.excludes --output-file images/pipelines.lock
	@$(RESOLVE) --extra ui --constraint requirements.lock --output-file images/app.lock

format: $(STAMP) ## Let ruff correct what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean: ## Remove what was made: environment, caches, data and artifacts
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* data/raw data/processed data/cache
	find artifacts -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@echo "== setting up .venv (once, and after a change of requirements.lock)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version.split()[0] + ". Name one: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE "^uv==[0-9.]+" requirements.lock)"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
