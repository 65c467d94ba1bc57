# Everything a newcomer needs: make run, make test. The rest is for developers.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: run test check bench docs clean help
.DEFAULT_GOAL := help

run: .venv/installed ## the bot; without a token, the sandbox on http://127.0.0.1:8080
	@$(BIN)/taperline run

test: .venv/installed ## all tests
	@echo "Running the tests on all cores: about ten minutes on two."
	@$(BIN)/pytest --numprocesses auto --dist worksteal

check: .venv/installed ## what CI runs: formatting, lint, types, layers, content, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/taperline check
	@$(MAKE) --no-print-directory test

bench: .venv/installed ## the benchmarks, one JSON line a figure
	@$(BIN)/python -m tests.bench

docs: .venv/installed ## draw the diagrams in docs/ again
	@$(BIN)/python -m tests.diagrams

.venv: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@echo "Setting up Python in .venv: this takes about a minute, once."
	@$(PYTHON) -m venv .venv
	@echo "Installing Taperline and what it needs…"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch .venv/installed
	@echo "Done."

clean: ## remove the virtual environment; data/ stays
	rm -rf .venv

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10
