# Every target works on a fresh clone: it installs what it needs from the lock files first.
PYTHON   ?= python3
VENV     := .venv
# Spark and what it needs live apart: 600 MB that a run on DuckDB does not miss
ifeq ($(MINEHOUSE_ENGINE),spark)
VENV     := .venv-spark
ENGINE   := $(VENV)/spark.installed
endif
BIN      := $(VENV)/bin

.PHONY: help test-spark deploy-env run ui dashboard brief api excel serve-postgres superset docs test test-fast faults check format snapshot nightly bench lock clean manifest sources rollback rebuild backup restore faults-kill inventory
help:            ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.installed $(ENGINE)    ## install, run the whole pipeline, publish, print the miner snapshot
	@$(BIN)/python -m dagster_project run

ui: $(VENV)/run.installed $(ENGINE)     ## Dagster on http://127.0.0.1:3000 (or make ui PORT=...)
	@exec $(BIN)/python -m dagster_project ui --port $(PORT)
PORT ?= 3000

dashboard: $(VENV)/bi.installed  ## the published file as pages on http://127.0.0.1:8501
	@$(BIN)/python -m bi.dashboard

api: $(VENV)/bi.installed     ## the published file over HTTP (JSON, CSV) on http://127.0.0.1:8001/docs
	@$(BIN)/python -m bi.api

excel: $(VENV)/bi.installed   ## the snapshot, deals, sites, notes and values as a workbook: make excel [AS_OF=2025-11-24]
	@$(BIN)/python -m bi.excel $(if $(AS_OF),--as-of "$(AS_OF)")

rollback: $(VENV)/run.installed  ## let readers see the publication before this one, or make rollback ID=...
	@$(BIN)/python -m dagster_project rollback $(if $(ID),--id "$(ID)")

rebuild: $(VENV)/run.installed $(ENGINE)  ## compute everything anew from what was loaded, and publish; nothing is fetched
	@$(BIN)/python -m dagster_project rebuild

backup: $(VENV)/run.installed  ## the whole warehouse as one file, old versions and quarantine too: make backup [FILE=...]
	@$(BIN)/python -m dagster_project backup $(if $(FILE),--file "$(FILE)")

restore: $(VENV)/run.installed  ## put a backup back: make restore FILE=...; what was there is moved aside
	@$(BIN)/python -m dagster_project restore $(if $(FILE),--file "$(FILE)")

snapshot: $(VENV)/run.installed  ## print the last published snapshot
	@$(BIN)/python -m dagster_project snapshot

serve-postgres: $(VENV)/bi.installed  ## copy the published marts to the PostgreSQL database of MINEHOUSE_POSTGRES_URL
	@$(BIN)/python -m bi.postgres

superset: $(VENV)/run.installed .venv-superset/installed  ## Superset with dashboards on http://127.0.0.1:8088
	@$(BIN)/python -m bi.superset

docs: $(VENV)/run.installed   ## documentation of every table and column, as one page for a browser
	@$(BIN)/python -m dagster_project docs

sources: $(VENV)/run.installed  ## write dbt/models/sources.yml from the contracts
	@$(BIN)/python -m dagster_project sources

inventory: $(VENV)/run.installed  ## list every asset, check and mart column in docs/inventory.txt
	@$(BIN)/python -m dagster_project inventory

manifest: $(VENV)/run.installed  ## let dbt read the project anew
	@$(BIN)/python -m dagster_project prepare

brief: $(VENV)/bi.installed   ## one page on a miner and a day: make brief SYMBOL=CLSK AS_OF=2025-11-24 [QUOTE=11.23] [SINCE=2025-09-24]
	@$(BIN)/python -m bi.brief --symbol "$(SYMBOL)" --as-of "$(AS_OF)" $(if $(QUOTE),--quote "$(QUOTE)") $(if $(SINCE),--since "$(SINCE)")

test: $(VENV)/dev.installed   ## every test, offline
	@$(BIN)/python -m pytest

test-fast: $(VENV)/dev.installed  ## the tests of single parts: no pipeline, no vendor, no page (under a minute)
	@$(BIN)/python -m pytest -q tests/unit tests/architecture

faults: $(VENV)/dev.installed  ## the fault matrix: what can be wrong, which check catches it, and what a reader sees
	@$(BIN)/python -m pytest -q -n 0 -p no:randomly --matrix tests/faults

.PHONY: mutation
mutation: $(VENV)/dev.installed  ## takes each check away in turn and shows that a fault is missed then (minutes)
	@PYTHONPATH=.:tests:tests/faults $(BIN)/python tests/faults/mutation.py

check: $(VENV)/dev.installed  ## format, lint, types, SQL lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt/models dbt/tests

format: $(VENV)/dev.installed  ## let ruff and sqlfluff mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix dbt/models dbt/tests

nightly: $(VENV)/dev.installed  ## the tests that take too long for every day: a market of 500 symbols within its memory, many price files, weeks of live prices
	@$(BIN)/python -m pytest -n 0 -m nightly
	@MINEHOUSE_TEST_EXAMPLES=300 $(BIN)/python -m pytest -n 2 tests/unit/test_price_file_properties.py
	@if command -v java >/dev/null; then $(MAKE) test-spark; else echo "SKIPPED: test-spark, there is no Java"; fi

test-spark:      ## every mart by Spark, on a cluster of two workers, equals DuckDB's (minutes; needs Java 17)
	@MINEHOUSE_ENGINE=spark $(MAKE) --no-print-directory .venv-spark/spark.installed
	@PYTHONPATH=.:tests .venv-spark/bin/python tests/spark/parity.py $(if $(PRICES),--prices "$(abspath $(PRICES))")

deploy-env: $(VENV)/deploy.installed  ## what a Dagster that several people share needs (deploy/README.md)

bench: run $(VENV)/dev.installed  ## market scale against named peers, and what readers wait (takes long): make bench [PRICES=folder]
	$(BIN)/python -m benchmarks.market $(if $(PRICES),--prices "$(abspath $(PRICES))")
	$(BIN)/python -m benchmarks.readers
	$(BIN)/python -m benchmarks.dashboard
	$(BIN)/python -m benchmarks.price_files
	$(BIN)/python -m benchmarks.run

faults-kill: $(VENV)/dev.installed  ## kill runs at 40 moments and compare what the next run makes (takes an hour and more)
	$(BIN)/python -m benchmarks.kills

lock: $(VENV)/uv.installed    ## resolve pyproject.toml anew into requirements/*.lock
	$(BIN)/uv pip compile pyproject.toml --group dev $(LOCK) -o requirements/dev.lock
	$(BIN)/uv pip compile pyproject.toml -c requirements/dev.lock $(LOCK) -o requirements/run.lock
	$(BIN)/uv pip compile pyproject.toml --group bi -c requirements/dev.lock $(LOCK) -o requirements/bi.lock
	$(BIN)/uv pip compile pyproject.toml --group deploy -c requirements/dev.lock $(LOCK) -o requirements/deploy.lock
	$(BIN)/uv pip compile pyproject.toml --group spark -c requirements/dev.lock $(LOCK) -o requirements/spark.lock
	$(BIN)/uv pip compile requirements/superset.in $(LOCK) -o requirements/superset.lock
LOCK := --system-certs --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-annotate -q \
        --custom-compile-command "make lock"

clean:           ## remove the environment and all output
	rm -rf .venv .venv-spark .venv-superset data dbt/target dbt/logs .pytest_cache .ruff_cache .mypy_cache

# uv installs in seconds; where it cannot reach the package index the way pip is set up to, pip does the same slowly
$(VENV)/%.installed: requirements/%.lock $(VENV)/uv.installed
	@echo "installing $< into $(VENV)"
	@$(BIN)/uv pip install --python $(BIN)/python --system-certs --compile-bytecode --quiet --require-hashes -r $< \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/uv.installed: requirements/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Minehouse needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< 2>/dev/null \
	  || $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Superset holds older pandas, NumPy and SQLAlchemy than Minehouse, so it lives apart
.venv-superset/installed: requirements/superset.lock $(VENV)/uv.installed
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 13))' \
	  || { echo "Superset's lock needs Python 3.11 or 3.12; $(PYTHON) is $$($(PYTHON) --version). Try make superset PYTHON=python3.12"; exit 1; }
	@echo "installing $< into .venv-superset"
	@$(PYTHON) -m venv .venv-superset
	@$(BIN)/uv pip install --python .venv-superset/bin/python --system-certs --compile-bytecode --quiet --require-hashes -r $< \
	  || .venv-superset/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@
