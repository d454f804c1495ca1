# For a fresh Debian or Ubuntu with make, git, python3 (3.11 or later) and its venv module.
#
#   make demo    a tour on real records; needs no container engine
#   make test    every test; those of the lab skip with their reason where this machine can't run it
#   make lint    ruff and mypy
#   make bench   how long things take, as ratios
#   make clean   remove what the others made

# The first interpreter on the PATH that is new enough and can make virtual environments; or PYTHON=... of yours.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$python; break; fi; done)

BIN := .venv/bin
PYTEST := $(BIN)/pytest
PYTORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: demo test lint bench clean
.DEFAULT_GOAL := test

demo: .venv/ready-to-run
	$(BIN)/python examples/demo.py

# The lab's tests share one engine and stay in one process; all others take every core.
test: .venv/ready-to-test
	$(PYTEST) --numprocesses auto --ignore tests/lab tests
	$(PYTEST) tests/lab

lint: .venv/ready-to-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/ready-to-test
	for script in startup dockerfile planning libraries soak capture; do $(BIN)/python benchmarks/$$script.py || exit; done

clean:
	rm -rf .venv .lab build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready-to-run: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# The tests need a real torch, whose default build brings gigabytes of CUDA that they never use. Where PyTorch's index
# does not answer, the package index of this machine does.
.venv/ready-to-test: .venv/ready-to-run
	$(BIN)/python -m pip install --quiet --retries 0 --timeout 15 --no-deps \
		--index-url $(PYTORCH_CPU_INDEX) torch==2.13.0 \
		|| echo "make: PyTorch's CPU index does not answer; torch comes from the default index"
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

.venv/bin/python:
ifeq ($(PYTHON),)
	@echo "make: reprobuild needs Python 3.11 or later with its venv module, and finds none:" >&2
	@echo "make:   python3 here is $$(python3 --version 2>&1 || echo missing)" >&2
	@echo "make:   Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv; older: name one with PYTHON=..." >&2
	@exit 1
endif
	$(PYTHON) -m venv .venv
