# The product as one image: its command says which process it is, as in the Procfile and in compose.yaml.
# Without the sandbox, the tests and what only they need.
FROM python:3.11-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements-watch.lock /tmp/
RUN /venv/bin/pip install --require-hashes --no-deps -r /tmp/requirements-watch.lock

FROM python:3.11-slim-bookworm

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /data --create-home rooms
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py Procfile ./
COPY config config
COPY platforms platforms
COPY rooms rooms
COPY meetings meetings
COPY recordings recordings
COPY templates templates
COPY static static
COPY docs/api.md docs/api.md
COPY docs/examples.yaml docs/examples.yaml
# Served by the web processes; the key is for this command only.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')" DATA_DIR=/tmp/build STATIC_DIR=/app/public \
    python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf /tmp/build
ENV STATIC_DIR=/app/public
USER 10001
VOLUME /data
EXPOSE 8000
# The scheduler and the workers answer no one: `manage.py doctor` and Admin say whether they live.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", 8000)}/health', timeout=4)"]
CMD ["python", "manage.py", "web"]
