# make demo    see it work: a course is released, graded and explained in ./demo
# make test    lint, all tests, and the proof of every assignment
# make lint    ruff and mypy        make format   apply ruff's fixes and format
# make verify  prove the assignments alone
# make clean   remove the environment, caches and the demo
#
# The environment is built in $(VENV) on the first call. `make test PYTHON=python3.12` picks the
# interpreter, `make test VENV=/tmp/venv` the place.

VENV := .venv
PYTHON :=
BIN := $(VENV)/bin
INTERPRETERS := $(or $(PYTHON),python3.11 python3.12 python3.13 python3)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -c constraints.txt
# torch goes first and by its exact version: that spelling lets a local wheel or index provide it.
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: demo test lint format verify install clean
.DELETE_ON_ERROR:

demo: $(BIN)/.installed
	$(BIN)/autograder demo --output demo

test: lint
	$(BIN)/python -m pytest
	$(BIN)/autograder release --check
	$(BIN)/autograder verify

lint: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(BIN)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

verify: $(BIN)/.installed
	$(BIN)/autograder verify

install: $(BIN)/.installed-dev

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/.installed-dev: $(BIN)/.installed
	@echo "Installing the tools for development ..."
	$(INSTALL) --no-build-isolation -e '.[dev]'
	@touch $@

$(BIN)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV); the first time takes a few minutes ..."
	$(INSTALL) $(TORCH) hatchling
	$(INSTALL) --no-build-isolation -e .
	@touch $@

$(BIN)/python:
	@for python in $(INTERPRETERS); do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
	    then exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 with the venv module among: $(INTERPRETERS)." >&2; \
	echo "On Debian or Ubuntu: apt-get install python3-venv. Or name one: make PYTHON=/path/to/python3.12 ..." >&2; \
	exit 1
