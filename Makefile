# Everything a newcomer needs: make run, make test. The rest is for developers.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check bench docs clean
.DEFAULT_GOAL := run

run: $(VENV) ## the bot; without a token, the sandbox on http://127.0.0.1:8080
	@$(BIN)/taperline run

test: $(VENV) ## all tests
	@echo "Running the tests…"
	@$(BIN)/pytest

check: $(VENV) ## what CI runs: format, lint, types, layers, content, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/taperline check
	@$(MAKE) --no-print-directory test

bench: $(VENV) ## the benchmarks
	@$(BIN)/python -m tests.bench

docs: $(VENV) ## draw the diagrams in docs/ again
	@$(BIN)/python -m tests.diagrams

$(VENV): pyproject.toml constraints.txt
	@echo "Setting up Python in $(VENV): this takes about a minute, once."
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing Taperline and what it needs…"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)
	@echo "Done."

clean: ## remove the virtual environment; data/ stays
	rm -rf $(VENV)
