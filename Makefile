# Two commands need nothing but python3, make and git: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Processes for tests; each has an API server of its own, and mostly waits for it.
JOBS ?= 2
AGAIN = $(BIN)/python -m pytest --last-failed --last-failed-no-failures=none

.PHONY: help install demo cluster check test fuzz bench docs pictures changelog lock clean

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/'

install: $(STAMP) ## install the project and its locked development tools into .venv

$(STAMP): pyproject.toml .ci/requirements.lock
	$(PYTHON) -m venv $(VENV)
	@# The lock is complete: without the resolver pip is quicker, and extras such as "x[y]" of a
	@# dependency cannot make it look for versions beyond the lock.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .ci/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## the main job, offline; with Go also in a real cluster: seal, apply, rotate, re-encrypt
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh
	@if command -v go >/dev/null; then $(BIN)/python -m tests.testbed.demo; \
	else echo; echo "== No Go here, so no real cluster: that part of the demo is left out"; fi

cluster: $(STAMP) ## a real API server with our controller, to try things by hand (needs Go)
	@$(BIN)/python -m tests.testbed.cluster

check: $(STAMP) ## format, lint, types, layers, freshness of the docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/python -m tests.page.lint
	$(BIN)/python -m tests.docs.cli_reference --check
	$(BIN)/python -m tests.docs.controller_reference --check
	$(BIN)/python -m tests.docs.notification_pictures --check
	$(BIN)/python -m tests.docs.lines_picture --check
	$(BIN)/python -m tests.docs.chart_reference --check
	$(BIN)/python -m tests.docs.crd_schemas --check

test: $(STAMP) ## every test this machine can run
	@# All real components first: some tests move into a network of their own, where nothing can
	@# be fetched.
	@if command -v go >/dev/null; then $(BIN)/python -m tests.testbed.binaries >/dev/null; fi
	@if [ "$$CI" = true ]; then $(BIN)/python -m tests.testbed.chromium >/dev/null; fi
	$(BIN)/python -m tests.pure_coverage
	@# What fails beside others is tried once more by itself; what is broken fails again.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not alone" --ignore=tests/unit/sealer --ignore=tests/property || $(AGAIN) -m "not alone" tests
	$(BIN)/python -m pytest -m alone tests/e2e tests/keyvault || $(AGAIN) -m alone tests/e2e tests/keyvault

fuzz: $(STAMP) ## search for inputs that break a reader, SECONDS=600 for each of the readers
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),600)

bench: $(STAMP) ## ratios against the real kubeseal and Go's templates, in one run
	$(BIN)/python -m tests.perf.bench_cli
	$(BIN)/python -m tests.perf.bench_template
	$(BIN)/python -m tests.perf.bench_controller
	$(BIN)/python -m tests.perf.bench_reencrypt
	$(BIN)/python -m tests.perf.bench_key_vault

docs: $(STAMP) ## write docs/cli.md from --help, and what the chart has from elsewhere
	$(BIN)/python -m tests.docs.cli_reference
	$(BIN)/python -m tests.docs.controller_reference
	$(BIN)/python -m tests.docs.notification_pictures
	$(BIN)/python -m tests.docs.lines_picture
	$(BIN)/python -m tests.docs.chart_reference
	$(BIN)/python -m tests.docs.crd_schemas

pictures: $(STAMP) ## take the pictures of docs/page.md anew (needs chromium)
	$(BIN)/python -m tests.page.pictures

changelog: $(STAMP) ## collate changelog.d's fragments into CHANGELOG.md for VERSION=X.Y.Z
	$(BIN)/towncrier build --yes --version "$(VERSION)"

lock: ## resolve pyproject.toml's dependencies into .ci's locks: tools, the image, the wheel's build (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --extra dev --upgrade -o .ci/requirements.lock pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --extra controller --constraint .ci/requirements.lock --upgrade -o .ci/controller.lock pyproject.toml
	echo hatchling | uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --constraint .ci/requirements.lock --upgrade -o .ci/build.lock -

clean: ## remove what the targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
