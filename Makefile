# The two commands a stranger needs are `make demo` and `make test`. Nothing but Python 3.11+ and make is asked for.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PACKAGES := agent alerts analytics collector console desk model roundsman simulators
PIP := $(BIN)/pip --disable-pip-version-check --quiet
DEMO ?=

.PHONY: setup demo test check fix bench bench-analytics fleet clean

setup: .venv/ready

.venv/ready: locks/run.txt pyproject.toml package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; found: $$($(PYTHON) --version 2>&1)  需要 Python 3.11 或更新版本"; exit 1; }
	@echo "Setting up .venv (about a minute the first time) / 正在准备 .venv(首次约一分钟)"
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv || { echo "python3 -m venv failed: on Debian and Ubuntu run: apt install python3-venv / 请先安装 python3-venv"; rm -rf .venv; exit 1; }
	@$(PIP) install --require-hashes -r locks/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m console.build
	@touch $@

# Eight processes begin at once: compiled beforehand they need half the time until the first reading.
demo: setup
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@$(BIN)/roundsman demo $(DEMO)

.venv/ready-test: .venv/ready locks/test.txt
	@$(PIP) install --require-hashes -r locks/test.txt
	@touch $@

check: .venv/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Installs the real servers when it may (root or sudo on Debian and Ubuntu); else their tests are skipped and counted.
# Most tests wait for a wire or a child, so three workers share two cores. Stories that outrun
# sampling on a busy machine, and the fleet's year, need the machine to themselves: marked `alone`.
test: .venv/ready-test
	@sh tests/services/install.sh
	@$(BIN)/python -m compileall -q $(PACKAGES)
ifdef TESTS
	$(BIN)/pytest $(TESTS)
else
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not alone"
	$(BIN)/pytest -m alone tests/journeys tests/simulation
endif

fix: .venv/ready-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready-test
	@for b in tests/benchmarks/bench_*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

# The figures of docs/analytics.md on the public sets: make bench-analytics [DIR=folder] [QUICK=1] [ONLY=vrla,xjtu]
bench-analytics: .venv/ready-test
	@$(BIN)/python -m tests.benchmarks.analytics_table --data "$(or $(DIR),../shared/datasets)" $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

# A simulated fleet through the real detectors. FLEET="--batteries 3000 --switches 200 --years 3" for the figures of docs/fleet.md (hours).
FLEET ?= --small
fleet: .venv/ready-test
	@$(BIN)/python -m tests.simulation.fleet --workers 2 $(FLEET)

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
