# make demo     set everything up, grade the sample classes
# make test     set everything up, run the tests but for the slow ones
# make check    what CI runs: format, lint, types, `autograder verify`, the tests
# make slow     the tests that take minutes
# make attacks  the attack suite: every attack with all isolation layers, then without its own
# make faults   kill -9 of our own processes, hundreds of times during a class
# make fuzz     millions of damaged bytes against the wire; SECONDS=3600 for an hour
# make bench    the figures of README

PYTHON ?= python3
TORCH ?= 2.13.0
# another index for torch, such as PyTorch's CPU or CUDA one
TORCH_INDEX ?=
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test check slow bench attacks faults fuzz clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "torch==$(TORCH)"
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[pictures,text,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/autograder demo

test: $(READY)
	$(BIN)/python -m pytest -q -m "not slow" -n 3 --dist worksteal

check: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/autograder verify
	$(BIN)/python -m pytest -q -m "not slow" -n 3 --dist worksteal

attacks: $(READY)
	$(BIN)/python tests/attack_suite.py

slow: $(READY)
	$(BIN)/python -m pytest -q -m slow

faults: $(READY)
	$(BIN)/python tests/faults.py

bench: $(READY)
	$(BIN)/python bench/throughput.py
	$(BIN)/python bench/suites.py
	$(BIN)/python bench/cold.py

fuzz: $(READY)
	$(BIN)/python tests/fuzz.py $(SECONDS)

clean:
	rm -rf $(VENV) results pictures
