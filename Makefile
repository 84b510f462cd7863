# make demo    see it work: a course is released, graded and explained in ./demo
# make test    lint, all tests, and the proof of every assignment
# make lint    ruff and mypy alone; make pytest, make verify: the other two
# make prove   every line of every contract broken, every mutant of every model solution (verify takes a sample)
# make docs    the documentation as web pages, in build/docs
# make format  apply ruff's fixes and format
# make clean   remove the environment, caches and the demo
#
# The environment is built in $(VENV) on the first call. `make test PYTHON=python3.12` picks the
# interpreter, `make test VENV=../venv` the place.

VENV := .venv
PYTHON :=
MUTANTS := 6
BIN := $(VENV)/bin
INTERPRETERS := $(or $(PYTHON),python3.11 python3.12 python3.13 python3)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -c constraints.txt
# torch goes first and by its exact version: that spelling lets a local wheel or index provide it.
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: demo test lint pytest verify prove docs format install clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

demo: $(BIN)/.installed
	$(BIN)/autograder demo --output demo

# `make -k test` goes on after a failing part.
test: lint pytest verify

lint: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# In the order of their names: sorted by the number of their tests, the slowest files, which have few, come last.
pytest: $(BIN)/.installed-dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

verify: $(BIN)/.installed-dev
	$(BIN)/autograder release --check
	$(BIN)/autograder verify
	$(BIN)/autograder verify --mutants --sample $(MUTANTS)

prove: $(BIN)/.installed-dev
	$(BIN)/autograder verify --coverage
	$(BIN)/autograder verify --mutants

docs: $(BIN)/.installed-dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

format: $(BIN)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

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
