# Everything here needs python3 with pip, and make. ARGS go to the command behind the target:
#   make test ARGS='-k webhook -x'

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin

# What was installed last, and so until which lock it holds.
DEV := $(VENV)/.installed-dev
RUNTIME := $(VENV)/.installed-runtime

# To run needs less than to develop: an environment with everything serves for both.
READY := $(if $(wildcard $(DEV))$(filter-out run demo,$(MAKECMDGOALS)),$(DEV),$(RUNTIME))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run demo test check format bench lock clean

help: ## show what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(DEV) ## make .venv with everything development needs

run: $(READY) ## serve on this machine; what is missing from the settings is made
	$(BIN)/python -m api serve --dev $(ARGS)

demo: $(READY) ## watch roles follow a directory
	$(BIN)/python -m api demo $(ARGS)

# Twice as many as a small machine has cores: half of the time, tests wait for processes and for the clock.
test: $(DEV) ## run every test
	$(BIN)/python -m pytest --numprocesses=4 --dist=worksteal $(ARGS)

check: $(DEV) ## format, lint, types, import directions; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(DEV) ## put the code in its format, and mend what can be mended without asking
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV) ## measure what the performance claims say
	$(BIN)/python -m bench $(ARGS)

# Pins stay as they are where they still fit; `make lock ARGS=--upgrade` takes the newest of everything.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: ## write the locks anew from pyproject.toml
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; "$$tools/bin/pip" install --quiet uv; \
	"$$tools/bin/"$(COMPILE) $(ARGS) pyproject.toml --output-file requirements.lock; \
	"$$tools/bin/"$(COMPILE) $(ARGS) pyproject.toml --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

clean: ## remove everything that was made here, except data
	rm -rf $(VENV) .cache build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made anew for a new lock, so that it never holds more than the lock says.
$(DEV): requirements-dev.lock
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(RUNTIME): requirements.lock
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
