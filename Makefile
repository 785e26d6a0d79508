# Two commands do all on a machine with Python 3.11, git and make: `make run` and `make test`.

PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test test-browser lint format bench drill-recordings drill-webhooks pictures vendor lock clean

run: $(READY) .env  ## set up and run everything on embedded defaults
	@$(BIN)/python manage.py serve

test: $(READY)  ## the tests, on SQLite unless DATABASE_URL says otherwise
	$(BIN)/pytest

test-browser: $(READY)  ## the tests in a browser; they need Chromium (CHROMIUM=<path> where it is not found)
	$(BIN)/pytest -m browser

lint: $(READY)  ## style, types, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	ENV_FILE= DEBUG=true $(BIN)/mypy .
	ENV_FILE= DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## figures as ratios, measured side by side
	ENV_FILE= DEBUG=true $(BIN)/python -m tests.bench

drill-webhooks: $(READY)  ## 100,000 deliveries, shuffled and repeated, and what became of them
	ENV_FILE= DEBUG=true $(BIN)/python manage.py drill_webhooks

drill-recordings: $(READY)  ## fetching from a bad server, and with workers that are killed
	ENV_FILE= DEBUG=true LOG_LEVEL=ERROR $(BIN)/python manage.py drill_recordings faults
	ENV_FILE= DEBUG=true LOG_LEVEL=ERROR $(BIN)/python manage.py drill_recordings kills

pictures: $(READY)  ## those of the README, anew; needs Chromium
	ENV_FILE= DEBUG=true DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.browser.pictures

vendor: $(READY)  ## the platforms' own browser code, as sdks.json names it; needs npm
	ENV_FILE= DEBUG=true $(BIN)/python manage.py vendor_sdks

lock: $(READY)  ## choose versions anew and write both lock files
	$(BIN)/uv pip compile pyproject.toml --upgrade --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock

clean:
	rm -rf .venv var .coverage .mypy_cache .pytest_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The lock file names everything: with --no-deps pip does not look for newer versions of what it names.
$(READY): requirements-dev.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

.env:
	cp env.example .env
