# Needs Python 3.11+, git and make. All the rest is installed into .venv and build/ on first use.
# PYTHON=… chooses the interpreter, N=… the number of kills and of faults of `make chaos`, ARGS=… is handed to the program.

.DEFAULT_GOAL := help
.PHONY: help demo demo-cluster test test-lowest test-wheel check bench chaos proto run wheel
.DELETE_ON_ERROR:

BIN := .venv/bin
READY := .venv/.ready
CODEGEN := build/codegen/.ready
LOWEST := build/lowest/.ready
UV := $(BIN)/uv -q pip install --python
BUF_GENERATE := PATH="$(CURDIR)/build/codegen/bin:$$PATH" $(BIN)/buf generate
# More tests at once than there are processors (tests/conftest.py): most wait for a process or a disk. Who has run out of
# tests takes some of the others'. ARGS='-n 0' runs them one after the other, as a debugger needs it.
PYTEST := -m pytest -q -n auto --maxprocesses 8 --dist worksteal
# What keeps workflows durable. The twin in memory runs with the oldest dependencies.
STORES := sqlite,postgres,redis
N ?= 300
ARGS ?=
# Hundreds of interpreters are started. Where they may not keep what they compile, each compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## Show workflows in the terminal: progress, a question, a killed server, a conversation
	@$(BIN)/python -m examples.demo $(ARGS)

demo-cluster: $(READY) ## Show a cluster in the terminal: a worker and a server are killed, a worker is drained
	@$(BIN)/python -m examples.demo_cluster

test: $(READY) test-lowest ## Run all tests, with the newest and with the oldest dependencies
	@echo "stretto: testing the parts, the packages and the docs, with the newest dependencies, over $(STORES)"
	@$(BIN)/python $(PYTEST) --stores $(STORES) --ignore=tests/e2e --ignore=tests/docs/test_pages.py $(ARGS)
	@$(MAKE) --no-print-directory test-wheel ARGS=

test-lowest: $(LOWEST) ## Run the tests that need no other process, with the oldest dependencies
	@echo "stretto: testing the parts with the oldest dependencies"
	@build/lowest/bin/python $(PYTEST) tests/unit tests/contract tests/rpc

# Three at once: each of these tests is several processes already.
test-wheel: wheel ## Run what needs a whole server, and the code in the docs, against the installed wheel
	@tools/find-tmux.sh
	@echo "stretto: installing the wheel into build/installed"
	@rm -rf build/installed && $(BIN)/uv -q venv --python $(BIN)/python build/installed
	@$(UV) build/installed/bin/python "$$(echo build/dist/*.whl)[server,model,cluster]" --group dev
	@echo "stretto: testing whole servers, and the code in the docs, on the installed wheel"
	@build/installed/bin/python $(PYTEST) -n 3 tests/e2e tests/docs/test_pages.py $(ARGS)

check: $(READY) $(CODEGEN) ## Check format, lint, types, layers, protos and generated code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	tools/breaking.sh $(BIN)/buf
	$(BUF_GENERATE) --output build/regenerated
	diff --recursive --exclude=__pycache__ build/regenerated/generated generated
	$(BIN)/python -m tools.make_sync --check

bench: $(READY) ## Measure speed against bare LangGraph and bare gRPC; writes build/bench.json
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(READY) ## Kill a server N times (300), inflict N faults on a cluster, count what was lost
	@$(BIN)/python -m benchmarks.chaos --kills $(N) --faults $(N) $(ARGS)

proto: $(READY) $(CODEGEN) $(LOWEST) ## Write generated/, docs/reference/ and the blocking client again from their sources
	$(BIN)/buf format --write
	$(BUF_GENERATE)
	$(BIN)/python -m tools.make_sync
	build/lowest/bin/stretto compile client/stretto/cli/_template/protos --out client/stretto/cli/_template
	build/lowest/bin/stretto compile examples/protos --out examples/generated
	$(BIN)/python -m tools.gen_docs

run: $(READY) ## Keep a server with the example workflows running on 127.0.0.1:50051
	@$(BIN)/stretto serve $(ARGS) examples.app:app

wheel: $(READY) ## Build the wheel and the sdist into build/dist
	@rm -rf build/dist && $(BIN)/uv -q build --python $(BIN)/python --out-dir build/dist

$(READY): pyproject.toml
	@test -x $(BIN)/python || { python=$$(tools/find-python.sh) && $$python -m venv .venv; }
	@test -x $(BIN)/uv || { $(BIN)/python -m ensurepip >/dev/null && $(BIN)/python -m pip install -q --disable-pip-version-check uv; }
	@echo "stretto: installing into .venv (about a minute the first time)"
	@$(UV) $(BIN)/python --editable '.[server,model,cluster]' --group dev
	@touch $@

$(CODEGEN): tools/codegen.txt | $(READY)
	@echo "stretto: installing the code generator into build/codegen"
	@rm -rf build/codegen && $(BIN)/uv -q venv --python $(BIN)/python build/codegen
	@$(UV) build/codegen/bin/python --requirement tools/codegen.txt
	@touch $@

$(LOWEST): pyproject.toml | $(READY)
	@echo "stretto: installing the oldest dependencies into build/lowest"
	@rm -rf build/lowest && $(BIN)/uv -q venv --python $(BIN)/python build/lowest
	@$(UV) build/lowest/bin/python --resolution lowest-direct --editable '.[server,model,cluster]' --group test
	@touch $@
