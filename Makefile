# make run    set up what is missing, then run the first study
# make test   set up what is missing, then run all tests
# make setup, lint, bench, test-cluster, clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMPS := .setup
KERNELS := $(wildcard ext/*)

export OMP_NUM_THREADS ?= 1

.PHONY: run test setup setup-test lint bench test-cluster clean

run: setup
	$(BIN)/pomdft run inputs/quickstart.yaml

test: setup-test
	$(BIN)/python -m pytest

test-cluster: setup-test
	$(BIN)/python -m pytest -m cluster

setup: $(STAMPS)/kernels

setup-test: $(STAMPS)/test-tools

lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/cython-lint --max-line-length 100 ext

bench: $(STAMPS)/bench-peers
	$(BIN)/python -m benchmarks.run

$(STAMPS)/debian-run: packaging/debian-packages.sh
	packaging/debian-packages.sh run
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/debian-test: packaging/debian-packages.sh
	packaging/debian-packages.sh test
	@mkdir -p $(STAMPS) && touch $@

$(BIN)/python: | $(STAMPS)/debian-run
	$(PYTHON) -m venv .venv

# GPAW is compiled from its source distribution against Debian's libraries.
$(STAMPS)/python: pyproject.toml constraints.txt packaging/gpaw_siteconfig.py $(STAMPS)/debian-run | $(BIN)/python
	$(BIN)/python -m pip install -q --upgrade pip
	GPAW_CONFIG=$(CURDIR)/packaging/gpaw_siteconfig.py PIP_CONSTRAINT=$(CURDIR)/constraints.txt \
	  $(BIN)/python -m pip install -q -e '.[gpaw,queue]'
	@touch $@

$(STAMPS)/kernels: $(STAMPS)/python setup.py $(KERNELS)
	$(BIN)/python -m pip install -q -c constraints.txt 'setuptools>=77' cython numpy
	$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

$(STAMPS)/test-tools: $(STAMPS)/kernels $(STAMPS)/debian-test
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install -q -e '.[gpaw,queue,test,lint]'
	@touch $@

# Editable, as everywhere: a plain install would put a copy in the checkout's place.
$(STAMPS)/bench-peers: $(STAMPS)/kernels
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install -q -e '.[gpaw,queue,bench]'
	@touch $@

clean:
	rm -rf build dist .setup .venv *.egg-info pomdft/kernels/*.so
