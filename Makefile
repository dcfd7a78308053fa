# `make demo` and `make test` need Python 3.11 or later (with venv), git and make, nothing else:
# they make .venv and install netdef into it, editable, at the versions of constraints.txt.
# Another interpreter: make PYTHON=python3.12 test

PYTHON  ?= python3
WORKERS ?= 2
BIN     := .venv/bin

# -qq: errors only.
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# Each worker has a core to itself, so torch must not start a thread for every core.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS)

.PHONY: help demo test test-full lint format schema grammar clean
.NOTPARALLEL:

help:
	@echo "make demo       train LeNet on handwritten digits, draw it, export it"
	@echo "make test       the tests (WORKERS=$(WORKERS))"
	@echo "make test-full  the tests, the slow ones too, with full counts"
	@echo "make lint       format, lint, the rooms' imports, types"
	@echo "make format     format, and fix what can be fixed"
	@echo "make schema     generate netdef/schema from proto/netdef.proto"
	@echo "make grammar    generate the parser's tables from netdef/frontend/prototxt.lark"
	@echo "make clean      remove .venv, build output and caches"

demo: .venv/.demo
	@$(BIN)/python tools/demo/run.py

test: .venv/.test
	@$(PYTEST)

test-full: .venv/.test
	@$(PYTEST) -m ""

# All four checks run, whatever the first ones say.
lint: .venv/.test
	@status=0; \
	echo "ruff check";    $(BIN)/ruff check . || status=1; \
	echo "ruff format";   $(BIN)/ruff format --check . || status=1; \
	echo "import-linter"; $(BIN)/lint-imports --no-logo || status=1; \
	echo "pyright";       $(BIN)/pyright || status=1; \
	exit $$status

format: .venv/.test
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

schema:
	@tools/schema/generate

grammar: .venv/.test
	@$(BIN)/python tools/grammar/generate.py

clean:
	@rm -rf .venv build dist htmlcov .coverage .coverage.* .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	@find netdef tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a second call is quick, and a change of a requirement or a pin installs again.

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "netdef needs Python 3.11 or later; $(PYTHON) is " + sys.version)'
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@touch $@

# The build back end is installed at its pinned version first; an isolated build would fetch
# whatever is newest.
.venv/.build: .venv/.made constraints.txt
	@$(PIP) install -c constraints.txt hatchling editables
	@touch $@

.venv/.demo: .venv/.build pyproject.toml constraints.txt
	@echo "Installing netdef[demo] into .venv (a few minutes the first time)"
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[demo]'
	@$(BIN)/python -m compileall -q netdef
	@touch $@

# The tests run the demo's parts, so what they need includes what the demo needs.
.venv/.test: .venv/.build pyproject.toml constraints.txt
	@echo "Installing netdef[demo,dev] into .venv (a few minutes the first time)"
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[demo,dev]'
	@$(BIN)/python -m compileall -q netdef
	@touch .venv/.demo $@
