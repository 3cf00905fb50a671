# redgreen: `make help` lists what there is. Every target sets up what it needs first; nothing is installed by hand.

SHELL := /bin/bash
BIN := .venv/bin
# Empty is unset to Python: our own modules are compiled once as well, and not by every process.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
.PHONY: help demo picture test thorough setup lint types contracts docs tests format bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## The whole way on this machine: an issue is labelled, a proven pull request is opened (ARGS="--keep")
	@$(BIN)/redgreen demo $(ARGS)

picture: setup ## The README's picture, from a real run of the demo
	@$(BIN)/python scripts/capture_demo.py

test: ## All checks: lint, types, contracts, docs, tests (REDGREEN_TEST_DOCKER=0 skips what needs an engine)
	@scripts/check.sh all

thorough: ## As test, with the tests that it leaves out for time
	@REDGREEN_TEST_THOROUGH=1 scripts/check.sh all

setup: ## uv, the locked environment, a Docker engine (idempotent)
	@scripts/setup.sh

lint: ## Style and formatting (ruff)
	@scripts/check.sh lint

types: ## Strict types (mypy)
	@scripts/check.sh types

contracts: ## Who may import whom (import-linter)
	@scripts/check.sh contracts

docs: ## The generated tables in docs/ are what the code says
	@scripts/check.sh docs

tests: ## The tests alone (ARGS="tests/config -x")
	@scripts/check.sh tests $(ARGS)

format: ## Format the code and rewrite the generated tables in docs/
	@scripts/setup.sh --no-engine
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/python scripts/docs_tables.py --write

bench: setup ## The speed promises, each as a ratio in one run
	@failed=0; for each in benchmarks/*.py; do $(BIN)/python $$each $(ARGS) || failed=1; done; exit $$failed

clean: ## Remove what was built here: environments, caches, state (Docker images stay)
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* dist var
