# Verbs. `make run` and `make test` work on a fresh machine with Python 3.11+, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
DATA ?= data
TESTS ?= tests
JOBS ?= 2

.PHONY: help setup run test check fix bench chaos audit-self cov lock clean

help:
	@echo "make run     set up, load the example's real data and serve it"
	@echo "make test    set up and run every test          (TESTS=tests/core narrows it)"
	@echo "make check   look only: format, lint, types, import rules"
	@echo "make fix     mend format and lint"
	@echo "make bench   measure side by side, write docs/benchmarks.md"
	@echo "make chaos   long fault campaigns: kills, power cuts, faulty disks"
	@echo "make audit-self  outsiders' tools attack the served API      (AUDIT=spectral narrows it)"
	@echo "make cov     branch coverage of base, model and core"
	@echo "make lock    refresh requirements/dev.txt"

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Holdfast needs Python 3.11 or newer; set PYTHON=python3.12, say." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src $(VENV)/lib  # whatever PYTHONDONTWRITEBYTECODE says: commands start twice as fast
	@touch $@

setup: $(STAMP)

run: setup
	@$(BIN)/python -m examples.run_atlas --data $(DATA)

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(TESTS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@for each in tests/conftest.py tests/*/conftest.py; do test ! -e $$each || $(BIN)/mypy --no-error-summary $$each || exit 1; done
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

fix: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

chaos: setup
	$(BIN)/python -m chaos

audit-self: setup
	$(BIN)/python -m audit $(if $(AUDIT),--only $(AUDIT))

bench: setup
	$(BIN)/python -m bench

cov: setup
	$(BIN)/coverage run --source=holdfast.base,holdfast.model,holdfast.core -m pytest -q tests/model tests/core
	$(BIN)/coverage report --show-missing --fail-under=100

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra dev --extra example --extra bench -o requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
