# Everything a person types. On a machine with Python 3.11, make and git, nothing else is needed first.

PYTHON ?= python3.11
UV_VERSION := 0.13.9
PIP_AUDIT_VERSION := 2.10.1
UV := .uv/bin/uv
BIN := .venv/bin
MEMBERS := common api worker evaluator
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: help demo up test test-deployment test-arm check bench fuzz chaos audit lock lock-cuda clean install
.DEFAULT_GOAL := help

help:  ## say what can be asked for
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

install: .venv/installed  ## make the environment in .venv, exactly as locked

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Edgepress needs Python 3.11; say which with make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: $(UV) requirements.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml)
	@echo "Installing into .venv, as locked ..."
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps $(MEMBERS:%=--editable ./%)
	@touch $@

demo: install  ## train a network, compress it four ways, measure and compare: minutes
	@$(BIN)/edgepress demo

up: install  ## keep gateway, scheduler, worker and evaluator running on port 8000
	@$(BIN)/edgepress up

test: install  ## all tests
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --durations=25

test-arm: install  ## the evaluator's tests as a 64-bit Arm program, in an emulator
	cd tests && ../$(BIN)/python -m fakes.arm64_machine ../.arm64
	EDGEPRESS_TEST_ARM64=.arm64 $(BIN)/pytest tests/integration/test_on_arm64.py

test-deployment: install  ## build the images, run the composition with all that may happen to it; needs Docker
	EDGEPRESS_TEST_DEPLOYMENT=yes $(BIN)/pytest -v -s tests/deployment

check: install  ## lint, types, architecture, and the lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy common/src api/src worker/src evaluator/src tests
	$(BIN)/lint-imports
	@cp requirements.lock .venv/requirements.lock.now
	@$(MAKE) --no-print-directory lock LOCK=.venv/requirements.lock.now
	@cmp requirements.lock .venv/requirements.lock.now || { echo "requirements.lock is not current: run 'make lock' and commit it" >&2; exit 1; }

bench: install  ## measure Edgepress against what its work must cost
	$(BIN)/python tests/bench

fuzz: install  ## send 10,000 requests to the API: no fault, nothing undescribed, nothing of another user's
	@$(BIN)/python tests/integration/fuzz.py $(FUZZ)

chaos: install  ## kill every process 100 times while jobs run: nothing is lost; half an hour
	@$(BIN)/python tests/chaos $(CHAOS)

audit: install  ## look whether anything that is locked has a known weakness; needs the network
	@$(UV) tool run --quiet pip-audit@$(PIP_AUDIT_VERSION) --strict --requirement requirements.lock --disable-pip --no-deps

LOCK ?= requirements.lock
lock: $(UV)  ## resolve again what pyproject.toml files ask for, keeping what is locked
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra one-machine --no-emit-package edgepress-common --group dev $(MEMBERS:%=%/pyproject.toml) --output-file $(LOCK)

CUDA_LOCK ?= worker/requirements-cuda.lock
lock-cuda: $(UV)  ## the same for TensorFlow on NVIDIA's GPUs, beside requirements.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra cuda --constraints requirements.lock --no-emit-package edgepress-common worker/pyproject.toml --output-file $(CUDA_LOCK)

clean:  ## forget environment and state (finished steps included)
	rm -rf .venv .uv .arm64 .edgepress
