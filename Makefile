# make demo     set everything up, grade the sample class
# make test     set everything up, run all tests
# make check    what CI runs: format, lint, types, the course's own promise, the tests
# make attacks  every attack behind all walls, then without the one that stops it
# make slow     the proofs that take minutes
# make bench    the figures of README

PYTHON ?= python3
TORCH ?= 2.13.0
# another index for torch, such as PyTorch's CPU or CUDA one
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check attacks slow bench clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "torch==$(TORCH)"
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[pictures,text,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/autograder demo

test: $(READY)
	$(BIN)/python -m pytest -q -m "not slow" -n 2

check: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/autograder verify
	$(BIN)/python -m pytest -q -m "not slow" -n 2

attacks: $(READY)
	$(BIN)/python tests/museum.py

slow: $(READY)
	$(BIN)/python -m pytest -q -m slow

bench: $(READY)
	$(BIN)/python bench/throughput.py
	$(BIN)/python bench/suites.py
	$(BIN)/python bench/cold.py

clean:
	rm -rf $(VENV) results pictures
