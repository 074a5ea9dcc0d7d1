# Few targets, each of which works on a machine that has nothing but Python 3.11+ and make.
PYTHON ?= python3
UV := .uv/bin/uv
PY := .venv/bin/python
PARTS := lrs producers processors tests
# Tests on a real broker, zone or browser.
ON_PARTS := tests/stream tests/flow tests/conformance tests/browser tests/chaos
ON_BOTH_CORES := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo test conformance bench reading soak overload letters chaos fuzz durable ids docs fmt check lock wheel clean

help:  ## Show what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.dev  ## Fetch uv and every pinned dependency into .venv

demo: .venv/.runtime  ## Start a zone with a simulated district and open its pages
	@.venv/bin/ayumi demo

test: .venv/.dev .venv/.system .venv/.clients  ## Run every test
	@# The first two apart, because a process can open only one embedded store in its life.
	@$(PY) -m pytest $(ON_BOTH_CORES) tests/unit tests/docs tests/store
	@$(PY) -m pytest $(ON_BOTH_CORES) -m "not alone" $(ON_PARTS)
	@$(PY) -m pytest -m alone $(ON_PARTS)

conformance: .venv/.dev .venv/.system  ## Run ADL's public suite in SUITE=<its folder> against fresh zones; RUNS=3 PRELOAD=1000000
	@test -n "$(SUITE)" || { echo "say make conformance SUITE=<a clone of adlnet/lrs-conformance-test-suite>" >&2; exit 2; }
	@$(PY) -m tests.conformance.public_suite "$(SUITE)" --runs $(or $(RUNS),1) --preload $(or $(PRELOAD),0)

check: .venv/.dev  ## Lint, types, import contracts
	@$(PY) -m ruff format --check $(PARTS)
	@$(PY) -m ruff check $(PARTS)
	@$(PY) -m mypy
	@.venv/bin/lint-imports

fmt: .venv/.dev  ## Format the code
	@$(PY) -m ruff format $(PARTS)
	@$(PY) -m ruff check --fix-only $(PARTS)

bench: .venv/.dev  ## Measure every hop, the whole way, and the gateway beside Ralph; saves bench-results/*.json
	@$(PY) -m tests.bench

reading: .venv/.dev  ## Read by id, by agent and by filters from archives of 100,000 and COUNT=10000000 statements
	@$(PY) -m tests.bench reading --reading-count $(or $(COUNT),10000000)

docs: .venv/.dev  ## Write docs/reference anew
	@$(PY) -m tests.docs.reference

soak: .venv/.dev  ## Half an hour at 2,000 statements/s after a quarter to warm up, watching memory
	@$(PY) -m tests.bench.soak

overload: .venv/.dev  ## Twice what this machine sustains for MINUTES=10, over HTTP and SDK; memory, refusals, recovery
	@$(PY) -m tests.bench.overload --minutes $(or $(MINUTES),10)

letters: .venv/.dev  ## The good path with and without COUNT=1000000 dead letters, side by side
	@$(PY) -m tests.bench letters --count $(or $(COUNT),1000000)

chaos: .venv/.dev .venv/.system  ## Kill, stall, cut off and fill up a zone under load; KILLS=200 SEED=… ROUNDS=… SECONDS=20 RATE=250
	@$(PY) -m tests.chaos --kills $(or $(KILLS),200) --seconds $(or $(SECONDS),20) --rate $(or $(RATE),250) \
		--kills-a-round $(or $(KILLS_A_ROUND),8) $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS))
	@$(PY) -m pytest tests/chaos/whole_cluster.py tests/chaos/whole_backups.py tests/stream/steps/away_for_a_minute.py

fuzz: .venv/.dev  ## Send COUNT=10000 generated bad requests while a good client works; SEED=4 CONNECTIONS=2
	@$(PY) -m tests.bench.fuzz --count $(or $(COUNT),10000) --seed $(or $(SEED),4) --connections $(or $(CONNECTIONS),2)

durable: .venv/.dev  ## Kill gateway, recorder and broker right after an answer, KILLS=50 times, and read everything again; SEED=1
	@$(PY) -m tests.bench.endurance durable --kills $(or $(KILLS),50) --seed $(or $(SEED),1)

ids: .venv/.dev  ## 40 ids with 8 contents each at once at two gateways that are killed, then RETRIES=10000; SEED=1
	@$(PY) -m tests.bench.endurance ids --retries $(or $(RETRIES),10000) --seed $(or $(SEED),1)

wheel: .venv/.dev  ## Build the wheel into dist/
	@$(UV) build --wheel --no-build-isolation --python $(PY) --out-dir dist

lock: $(UV)  ## Resolve the dependencies anew into the lock files
	@$(UV) pip compile pyproject.toml --group build $(LOCK_OPTIONS) --output-file .requirements.lock
	@$(UV) pip compile pyproject.toml --group dev $(LOCK_OPTIONS) --constraints .requirements.lock --output-file .requirements-dev.lock

LOCK_OPTIONS := --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade --quiet

clean:  ## Remove everything that make made
	rm -rf .venv .uv dist bench-results .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(UV): .ci/uv.lock
	@PYTHON="$(PYTHON)" .ci/fetch-uv

.venv/.runtime: .requirements.lock pyproject.toml | $(UV)
	@test -x $(PY) || $(UV) venv --quiet --python "$(PYTHON)" .venv
	@$(UV) pip install --python $(PY) --require-hashes --requirements .requirements.lock
	@$(UV) pip install --python $(PY) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .requirements-dev.lock .venv/.runtime
	@$(UV) pip install --python $(PY) --require-hashes --requirements .requirements-dev.lock
	@touch $@

# The public client libraries that the tests drive, each in an environment of its own.
.venv/.clients: $(wildcard tests/conformance/clients/environments/*) | .venv/.dev .venv/.system
	@$(PY) -m tests.conformance.clients.install
	@touch $@

# Browser, PostgreSQL, Node.js and fonts for the tests come from the distribution.
.venv/.system: .ci/system-packages | .venv/.runtime
	@.ci/system-packages
	@touch $@
