# Two commands: `make search` runs the demo search, `make test` runs the tests. Both set up .venv first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q --no-compile --prefer-binary -c constraints.txt
# aihwkit has wheels for some interpreters and systems only. Without its requirements: they name torchvision, which does not
# import beside every build of torch (docs/dependencies.md).
AIHWKIT := --no-deps --only-binary aihwkit 'aihwkit==1.1.0; python_version < "3.13"' 'aihwkit==1.2.0; python_version >= "3.13"'
# One thread a process: the tests run in two processes, and results do not depend on the machine's core count. Text that is
# read or written without an encoding is an error (pyproject.toml): what it means would depend on the machine.
TEST_ENV := PYTHONWARNDEFAULTENCODING=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
PYTEST := $(TEST_ENV) $(BIN)/python -m pytest -q -n 2 -p no:cacheprovider

.PHONY: search test test-all bench bench-demo lint setup analog clean
.DEFAULT_GOAL := test

setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nascompile needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(PIP) torch hatchling
	$(PIP) --no-build-isolation -e '.[dev]'
	$(PIP) $(AIHWKIT) || echo 'no wheel of aihwkit fits: networks on analog tiles are not there, and their tests are skipped'
	@# Faster than pip's own compiling, and needed where PYTHONDONTWRITEBYTECODE is set: it halves the start of every process.
	@$(BIN)/python -m compileall -q -j 2 $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') >/dev/null || true
	@touch $@

search: $(STAMP)
	$(BIN)/nascompile run demo/nuclei.nas --name demo

test: $(STAMP)
	$(PYTEST) -m 'not slow'

test-all: $(STAMP)
	$(PYTEST)

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py

bench-demo: $(STAMP)
	$(BIN)/python benchmarks/demo_table.py --sets demo nuclei polyps hippocampus

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nascompile fmt --check specs demo

analog: $(STAMP)
	$(PIP) $(AIHWKIT)

clean:
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
