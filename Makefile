.DEFAULT_GOAL := help
.PHONY: help setup demo test slow soak bench bench-extract bench-gold lint clean

BIN := .venv/bin
# Each takes whole files of tests, and has a session of Spark for all of them. One that crashes fails the run.
TWO_PROCESSES := -n 2 --dist loadfile --max-worker-restart 0
BENCHMARKS = $(filter-out tests/benchmarks/_% %/__init__.py %/conftest.py,$(wildcard tests/benchmarks/*.py))

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make this checkout ready to run; every other target does it by itself
	@.ci/setup

demo: setup ## Build the demo lake from two synthetic networks and show its answers
	@$(BIN)/lakehouse demo

test: setup ## Run the tests (one of them runs lint); ARGS='-k name' is passed to pytest, '-n 0' gives one process
	@$(BIN)/python -m pytest $(TWO_PROCESSES) $(ARGS)

slow: setup ## Run the tests that need real servers or many minutes
	@$(BIN)/python -m pytest tests/slow -o timeout=1800 $(ARGS)

soak: setup ## Kill a run at every named moment, five times over, and long schedules; hours
	@FAULT_SEEDS=5 $(BIN)/python -m pytest tests/slow/test_faults.py -o timeout=0 $(ARGS)
	@$(BIN)/python tests/benchmarks/watermark.py 100000

bench-extract: setup ## A million rows out of PostgreSQL into Bronze, against the usual pyodbc loop
	@$(BIN)/python tests/benchmarks/extract.py $(ARGS)

bench-gold: setup ## Gold after a day's change, touched partitions against the whole, of 1 and 10 million claim lines
	@$(BIN)/python tests/benchmarks/gold_refresh.py $(ARGS)

bench: setup ## Run every benchmark, one after the other
	@for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python "$$script" || exit; done

lint: setup ## Check format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict src

clean: ## Remove build products, tool caches and what Spark leaves behind; .venv and the local lake stay
	@rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -rf metastore_db spark-warehouse artifacts derby.log
	@find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
