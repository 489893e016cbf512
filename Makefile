# make run · make test · make check · make bench · make help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1
export VERBATIM_SITE_NAME ?= Quillhaven
# The sample shop with the chat in it is for trying out, not for a server that is open to all.
run: export VERBATIM_DEMO ?= true
# What the commands print is for people; pip speaks only when something is wrong.
PIP := $(BIN)/pip --quiet --disable-pip-version-check

.PHONY: help run test check bench evaluate prove lint format types layers browser clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/ready ## The product with the sample company, ready to ask
	@if [ ! -e "$${VERBATIM_HOME:-var}/.sample" ]; then \
	  $(BIN)/verbatim init --sample && touch "$${VERBATIM_HOME:-var}/.sample"; fi
	@exec $(BIN)/verbatim serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

# Three at a time on two cores: a third of a test is waiting for servers and browsers.
test: $(VENV)/ready-dev browser ## All tests
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/ready-dev format lint types layers test ## Everything CI checks

evaluate: $(VENV)/ready-dev ## How right the answers are, on public data, beside a baseline
	$(BIN)/python -m tests.tuning.evaluate

prove: $(VENV)/ready-dev ## Receipts, parity, recall and crashes, tried now, on one page
	$(BIN)/python -m tests.prove

bench: $(VENV)/ready-dev ## Speed, each figure beside its floor or its peer
	$(BIN)/python -m tests.bench

format: $(VENV)/ready-dev
	$(BIN)/ruff format --check .

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .

types: $(VENV)/ready-dev
	$(BIN)/mypy

layers: $(VENV)/ready-dev
	$(BIN)/lint-imports --no-cache

# The browser tests drive Debian's chromium; elsewhere install chromium by hand.
browser:
	@command -v chromium >/dev/null || { \
	  echo "installing chromium for the browser tests"; \
	  (apt-get update && apt-get install -y chromium fonts-noto-cjk) >/dev/null 2>&1 \
	  || echo "could not install chromium: the browser tests will be skipped"; }

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Verbatim needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/ready: $(VENV)/made pyproject.toml constraints.txt
	@echo "installing Verbatim"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

# PyTorch first: its plain name would bring gigabytes for graphics cards. Of its twenty thousand
# files the tests import few, so none is compiled before it is needed.
$(VENV)/ready-dev: $(VENV)/ready
	@echo "installing what the tests need"
	@$(PIP) install --no-compile -c constraints.txt torch==2.13.0
	@$(PIP) install --no-compile -c constraints.txt -e '.[dev]'
	@touch $@

clean: ## Remove what make made, but not the store
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
