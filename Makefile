# `make` lists what there is. Everything works from a fresh clone: the environment is made on demand.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
CODE := edge_runtime train export benchmarks docs_site tests

# Real images, if they lie beside the checkout; tests that need them say why they skip otherwise.
ifneq ($(wildcard ../shared/data/.),)
export SALIEDGE_DATA ?= $(abspath ../shared/data)
endif
export PYTHON

.PHONY: help venv demo docs test test-arm64 test-docker test-vm mutants dist deb lint format test-all clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

venv: ## Make .venv (dependencies are shared between checkouts, see .ci/venv)
	@.ci/venv

demo: venv ## The whole way on synthetic pictures: train, evaluate, export, infer, bench
	@$(BIN)/python -m benchmarks.studies.demo --out demo

docs: ## The docs site into build/docs; a broken link or a page that nothing lists is an error
	@.ci/venv docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/docs/index.html is the docs; see them with: $(BIN)/mkdocs serve"

deb: dist ## Debian packages of the service for a Pi, bookworm and trixie, in dist/
	@for suite in bookworm trixie; do \
	    $(BIN)/python .ci/deb.py --wheel dist/saliedge-*.whl --suite $$suite || exit; \
	done

lint: venv ## Ruff (lint and format), mypy, import-linter
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy edge_runtime train export benchmarks docs_site
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command as run; run()'

format: venv ## Let Ruff format the code and fix what it can
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

test: lint ## Lint, then all tests with coverage; those of edge_runtime take 90 % of its branches
	$(BIN)/python -m pytest -m "not arm64 and not docker and not vm" --durations=10 \
	    --cov --cov-report=term:skip-covered
	@mkdir -p build
	@$(BIN)/python -m coverage json -q --include='edge_runtime/*' -o build/coverage.json
	@$(BIN)/python .ci/branches.py build/coverage.json --least 90

test-arm64: venv ## The wheel on emulated Raspberry Pis: outputs and instruction counts
	@SALIEDGE_ACCEPT_COUNTS=$(ACCEPT_COUNTS) $(BIN)/python -m pytest -m arm64 tests/arm64

test-docker: venv ## The container images, built without a daemon and run closed (as root)
	@$(BIN)/python -m pytest -m docker tests/docker

test-vm: venv ## The service on a whole arm64 device: camera, models, power cuts
	@$(BIN)/python -m pytest -m vm tests/vm

test-all: ## As test, but a missing system package is a failure, and with the tests that wait
	@SALIEDGE_REQUIRE=all SALIEDGE_SLOW=1 $(MAKE) test test-arm64 test-docker test-vm

mutants: ## Which changes of the arithmetic, the bundle checks and the statistics no test notices
	@.ci/venv mutants
	@$(BIN)/mutants $(AREA)

dist: venv ## sdist and wheel of the last commit, the same bytes on every machine
	@$(BIN)/python .ci/dist.py

clean: ## Remove what was built here (not the shared dependencies)
	rm -rf .venv build dist demo *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache \
	    .import_linter_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
