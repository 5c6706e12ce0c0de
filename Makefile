# Every target sets up what it needs, and only that, from Python >= 3.11, git and make.
# PYTHON chooses the interpreter the environment is made with, VENV where it is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Sums of several threads depend on how many there are; one gives the same digits everywhere.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
# The tests alone start some hundred processes; each would compile every module it imports anew.
unexport PYTHONDONTWRITEBYTECODE

PACKAGES := dashboards metrics pipeline requirements_map simulator verify

# What each target installs beyond the core.
EXTRAS_core :=
EXTRAS_demo := [alerts,contracts,dashboard]
EXTRAS_test := [test]
EXTRAS_lint := [lint]
EXTRAS_bench := [alerts,scale]
EXTRAS_docs := [docs]

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint bench docs typing clean

help:
	@echo "make demo      simulate, measure, judge: the whole way in a few minutes"
	@echo "make test      the fast tests"
	@echo "make test-all  all tests, slow ones too"
	@echo "make lint      style, types, import rules"
	@echo "make bench     the benchmarks"
	@echo "make docs      the documentation, in docs/_build/html"
	@echo "make typing    the folder of links that type checkers and editors follow"
	@echo "make clean     remove what these made; $(VENV) stays"

demo: $(VENV)/.stamp-demo
	$(BIN)/assay demo $(ARGS)

# Two workers: the suite spends its time in a few long tests and in starting processes. Each has
# one half in order, so that what several tests share is made once, and takes from the other.
WORKERS := -n 2 --dist worksteal
test: $(VENV)/.stamp-test
	$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(ARGS)

test-all: $(VENV)/.stamp-test
	SKYASSAY_TESTS=all $(BIN)/python -m pytest $(WORKERS) $(ARGS)

lint: $(VENV)/.stamp-lint typing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(PACKAGES:%=-p skyassay.%)
	$(BIN)/lint-imports

bench: $(VENV)/.stamp-bench
	@set -e; for script in benchmarks/*.py; do $(BIN)/python $$script; done

docs: $(VENV)/.stamp-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

typing:
	@mkdir -p .typing/skyassay
	@for p in $(PACKAGES); do ln -sfn ../../$$p .typing/skyassay/$$p; done

clean:
	rm -rf build dist *.egg-info .typing docs/_build docs/_generated
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. uv installs it in a third of pip's time; pip does where uv cannot be had.
$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Skyassay needs Python 3.11 or later; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt uv || \
	  echo "uv cannot be installed here: pip installs everything, which takes longer."
	touch $@

$(VENV)/.stamp-%: pyproject.toml constraints.txt | $(VENV)/.stamp-venv
	@if [ -x $(BIN)/uv ]; then \
	  $(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt -e '.$(EXTRAS_$*)'; \
	else \
	  $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.$(EXTRAS_$*)'; \
	fi
	touch $@
