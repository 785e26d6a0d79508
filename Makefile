# Two commands do all on a machine with Python 3.11, git and make: `make run` and `make test`.

PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/ready-to-run
READY_DEV := .venv/ready-to-develop

.PHONY: run test lint format bench drill-recordings drill-webhooks lock clean

run: $(READY) .env  ## set up and run everything on embedded defaults
	@$(BIN)/python manage.py serve

test: $(READY_DEV)  ## the tests, on SQLite unless DATABASE_URL says otherwise
	$(BIN)/pytest

lint: $(READY_DEV)  ## style, types, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	ENV_FILE= DEBUG=true $(BIN)/mypy .
	ENV_FILE= DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run

format: $(READY_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY_DEV)  ## figures as ratios, measured side by side
	ENV_FILE= DEBUG=true $(BIN)/python -m tests.bench

drill-webhooks: $(READY)  ## 100,000 deliveries, shuffled and repeated, and what became of them
	ENV_FILE= DEBUG=true $(BIN)/python manage.py drill_webhooks

drill-recordings: $(READY_DEV)  ## fetching from a bad server, and with workers that are killed
	ENV_FILE= DEBUG=true LOG_LEVEL=ERROR $(BIN)/python manage.py drill_recordings faults
	ENV_FILE= DEBUG=true LOG_LEVEL=ERROR $(BIN)/python manage.py drill_recordings kills

lock: $(READY_DEV)  ## choose versions anew and write both lock files
	$(BIN)/uv pip compile pyproject.toml --upgrade --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock

clean:
	rm -rf .venv var .coverage .mypy_cache .pytest_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The lock files name everything: with --no-deps pip does not look for newer versions of what they name.
$(READY): requirements.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

$(READY_DEV): requirements-dev.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@ $(READY)

.env:
	cp env.example .env
