"""Settings of the whole product, read from the environment. Every variable is described in env.example."""

import base64
import hashlib
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import schedule
from csp import constants as csp

from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR)

# The process

DEBUG = env.boolean("DEBUG", False)
HOST = env.text("HOST", "127.0.0.1" if DEBUG else "0.0.0.0")  # noqa: S104  (a server's purpose)
PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
WEB_PROCESSES = env.integer("WEB_PROCESSES", 2, minimum=1)
WEB_THREADS = env.integer("WEB_THREADS", 32, minimum=1)  # in each process
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var")))
SECRET_KEY = env.secret_key("SECRET_KEY", DEBUG, keep_in=DATA_DIR / "secret_key")
PUBLIC_URL = env.url("PUBLIC_URL", f"http://localhost:{PORT}")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [
    urlsplit(PUBLIC_URL).hostname or "",
    *(["localhost", "127.0.0.1", "[::1]", "testserver"] if DEBUG else []),
]
# How many reverse proxies in front of this server set X-Forwarded-For and X-Forwarded-Proto.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
    "platforms",
    "rooms",
    "meetings",
    "recordings",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# The API's paths have no trailing slash; a redirect would turn a provider's POST into a failure.
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Data

DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    named_by = "DATABASE_URL" if env.text("DATABASE_URL") else "DATA_DIR"
    env.make_folder(Path(DATABASES["default"]["NAME"]).parent, named_by)
    DATABASES["default"]["OPTIONS"] = {
        # A transaction takes the write lock when it begins, so that two of them wait for each other
        # rather than fail half-way; WAL lets readers go on meanwhile.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        "timeout": 20,
    }
else:
    # What follows the ? of the address goes first, such as sslmode=require.
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 2, **DATABASES["default"].get("OPTIONS", {})}

REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss"))
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

MEDIA_ROOT = DATA_DIR / "media"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static_files.HashedStaticFiles"
    },
    # Recordings are kept in a folder, or in a bucket when one is named.
    "recordings": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "recordings"},
    },
}
if RECORDINGS_STORAGE_BUCKET := env.text("RECORDINGS_STORAGE_BUCKET"):
    STORAGES["recordings"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": RECORDINGS_STORAGE_BUCKET,
            "region_name": env.text("RECORDINGS_STORAGE_REGION") or None,
            # Without a key, the machine's own role is used.
            "access_key": env.text("RECORDINGS_STORAGE_ACCESS_KEY_ID") or None,
            "secret_key": env.text("RECORDINGS_STORAGE_ACCESS_KEY_SECRET") or None,
            "endpoint_url": env.url("RECORDINGS_STORAGE_ENDPOINT_URL", env.url("AWS_ENDPOINT_URL")) or None,
            "signature_version": "s3v4",
        },
    }
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# Time and language

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# Security

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
FIRST_ADMIN = {
    "username": env.text("DJANGO_SUPERUSER_USERNAME", "admin"),
    "email": env.text("DJANGO_SUPERUSER_EMAIL", "admin@example.com"),
    "password": env.text("DJANGO_SUPERUSER_PASSWORD"),
}
SECURE_SSL_REDIRECT = not DEBUG and PUBLIC_URL.startswith("https://")
SECURE_REDIRECT_EXEMPT = [r"^health$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if SECURE_SSL_REDIRECT else 0
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
X_FRAME_OPTIONS = "DENY"
# For the product's own pages; the room page lets one origin in, that of the meeting which it frames.
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ("/admin/", "/v1/"),
    "DIRECTIVES": {
        "default-src": [csp.SELF],
        "script-src": [csp.SELF],
        "style-src": [csp.SELF],
        "img-src": [csp.SELF, "data:"],
        "media-src": [csp.SELF, "blob:"],
        "connect-src": [csp.SELF],
        "frame-ancestors": [csp.NONE],
        "base-uri": [csp.NONE],
        "form-action": [csp.SELF],
        "object-src": [csp.NONE],
    },
}
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
# HSTS for sibling subdomains and the browsers' preload list concern hosts that are not ours to decide for.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rooms.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "rooms.api.errors.exception_handler",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Reflector Rooms",
    "DESCRIPTION": "Meeting rooms over several video platforms.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
}
ACCESS_TOKEN_LIFETIME = timedelta(seconds=env.integer("ACCESS_TOKEN_SECONDS", 24 * 3600, minimum=60))
# Whether people who are not signed in may list shared rooms.
PUBLIC_MODE = env.boolean("PUBLIC_MODE", False)

# Video platforms: alias -> backend class and its options; see platforms/__init__.py

AWS_S3_REGION = env.text("AWS_S3_REGION", "us-east-1")
# The queue that says when a recording was put into a bucket.
AWS_PROCESS_RECORDING_QUEUE_URL = env.url("AWS_PROCESS_RECORDING_QUEUE_URL")
MOCK_PLATFORM_ENABLED = env.boolean("MOCK_PLATFORM_ENABLED", DEBUG)
VIDEO_PLATFORMS: dict[str, dict[str, Any]] = {
    "whereby": {
        "BACKEND": "platforms.backends.whereby.WherebyClient",
        "OPTIONS": {
            "api_url": env.url("WHEREBY_API_URL", "https://api.whereby.dev/v1"),
            "api_key": env.text("WHEREBY_API_KEY"),
            "webhook_secrets": env.words("WHEREBY_WEBHOOK_SECRET"),
            "s3_bucket": env.text("AWS_WHEREBY_S3_BUCKET"),
            "s3_region": env.text("AWS_WHEREBY_S3_REGION", AWS_S3_REGION),
            "aws_access_key_id": env.text("AWS_WHEREBY_ACCESS_KEY_ID"),
            "aws_access_key_secret": env.text("AWS_WHEREBY_ACCESS_KEY_SECRET"),
            # Rooms asked about per minute. The smallest plan's budget pays for about ten calls, of which opening
            # meetings needs some, and a room takes two.
            "presence_checks_per_minute": env.integer("WHEREBY_PRESENCE_CHECKS_PER_MINUTE", 3),
        },
    },
    "daily": {
        "BACKEND": "platforms.backends.daily.DailyClient",
        "OPTIONS": {
            "api_url": env.url("DAILY_API_URL", "https://api.daily.co/v1"),
            "api_key": env.text("DAILY_API_KEY"),
            "webhook_secrets": env.words("DAILY_WEBHOOK_SECRET"),
            "subdomain": env.text("DAILY_SUBDOMAIN"),
            "s3_bucket": env.text("AWS_DAILY_S3_BUCKET"),
            "s3_region": env.text("AWS_DAILY_S3_REGION", AWS_S3_REGION),
            "aws_role_arn": env.text("AWS_DAILY_ROLE_ARN"),
            "recording_mode": env.choice("DAILY_RECORDING_MODE", "cloud", ("cloud", "raw-tracks")),
            # Deliveries signed in the older way can be replayed for ever.
            "accept_unstamped_signature": env.boolean("DAILY_ACCEPT_UNSTAMPED_SIGNATURE", DEBUG),
        },
    },
}
# Base64, which one provider asks for; made of a secret, so that nobody else can sign events.
SANDBOX_WEBHOOK_SECRET = base64.b64encode(hashlib.sha256(b"sandbox" + SECRET_KEY.encode()).digest()).decode()
if MOCK_PLATFORM_ENABLED:
    VIDEO_PLATFORMS["mock"] = {
        "BACKEND": "platforms.backends.mock.MockClient",
        "OPTIONS": {"webhook_secrets": [SANDBOX_WEBHOOK_SECRET], "public_url": PUBLIC_URL},
    }

# The sandbox plays every platform that has no key, on this machine; see platforms/sandbox/__init__.py

SANDBOX_ENABLED = env.boolean("SANDBOX_ENABLED", DEBUG)
SANDBOX_PORT = env.integer("SANDBOX_PORT", 9100, minimum=1, maximum=65535)
SANDBOX_STORAGE_PORT = env.integer("SANDBOX_STORAGE_PORT", 9101, minimum=1, maximum=65535)
SANDBOX_URL = f"http://localhost:{SANDBOX_PORT}"
SANDBOX_STORAGE_URL = f"http://localhost:{SANDBOX_STORAGE_PORT}"
if SANDBOX_ENABLED:
    ALLOWED_HOSTS += ["127.0.0.1"]  # where its webhooks go
    played = {"simulated": True, "api_key": "sandbox", "webhook_secrets": [SANDBOX_WEBHOOK_SECRET]}
    its_bucket = {
        "s3_endpoint_url": SANDBOX_STORAGE_URL,
        "s3_region": "us-east-1",
        "aws_access_key_id": "sandbox",
        "aws_access_key_secret": "sandbox",
    }
    whereby, daily = (VIDEO_PLATFORMS[name]["OPTIONS"] for name in ("whereby", "daily"))
    if not whereby["api_key"]:
        whereby |= played | its_bucket | {"api_url": f"{SANDBOX_URL}/whereby/v1", "s3_bucket": "sandbox-whereby"}
        whereby["presence_checks_per_minute"] = 60
        AWS_PROCESS_RECORDING_QUEUE_URL = f"{SANDBOX_STORAGE_URL}/123456789012/sandbox-whereby"
    if not daily["api_key"]:
        daily |= played | {"api_url": f"{SANDBOX_URL}/daily/v1", "subdomain": "sandbox"}
        daily |= {"s3_bucket": "", "aws_role_arn": ""}
        if daily["recording_mode"] == "raw-tracks":
            daily |= its_bucket | {"s3_bucket": "sandbox-daily", "aws_role_arn": "sandbox"}
    if MOCK_PLATFORM_ENABLED:
        VIDEO_PLATFORMS["mock"]["OPTIONS"]["api_url"] = f"{SANDBOX_URL}/mock"

PROVIDER_CONNECT_TIMEOUT = env.integer("PROVIDER_CONNECT_TIMEOUT", 3, minimum=1)  # seconds
PROVIDER_READ_TIMEOUT = env.integer("PROVIDER_READ_TIMEOUT", 10, minimum=1)  # seconds
PROVIDER_TOTAL_TIMEOUT = env.integer("PROVIDER_TOTAL_TIMEOUT", 15, minimum=1)  # seconds, all attempts together

# The rollout: which platform an automatic room opens on; see rooms/selection.py

DEFAULT_VIDEO_PLATFORM = env.choice("DEFAULT_VIDEO_PLATFORM", "whereby", tuple(VIDEO_PLATFORMS))
VIDEO_PLATFORM_FAILOVER = env.words("VIDEO_PLATFORM_FAILOVER") or list(VIDEO_PLATFORMS)
DAILY_MIGRATION_ENABLED = env.boolean("DAILY_MIGRATION_ENABLED", False)
DAILY_MIGRATION_ROOM_IDS = env.json_list(
    "DAILY_MIGRATION_ROOM_IDS", lambda item: str(uuid.UUID(item)), "room ids (UUIDs)"
)
DAILY_MIGRATION_PERCENTAGE = env.integer("DAILY_MIGRATION_PERCENTAGE", 0, maximum=100)
VIDEO_PLATFORM_MIGRATION = {
    "TARGET": "daily",
    "SWITCH": "DAILY_MIGRATION_ENABLED",
    "ROOM_IDS": "DAILY_MIGRATION_ROOM_IDS",
    "PERCENTAGE": "DAILY_MIGRATION_PERCENTAGE",
}

# Meetings

MEETING_DURATION = timedelta(minutes=env.integer("MEETING_DURATION_MINUTES", 8 * 60, minimum=1))
# How long a request waits for another one that is opening the same room, in seconds.
MEETING_OPEN_WAIT = env.integer("MEETING_OPEN_WAIT_SECONDS", 10, minimum=1)
# When a meeting that nobody asked a calendar for ends: nobody has come by then, or nobody came back.
MEETING_UNUSED_LIMIT = timedelta(minutes=env.integer("MEETING_UNUSED_MINUTES", 30, minimum=1))
MEETING_GRACE = timedelta(minutes=env.integer("MEETING_GRACE_MINUTES", 5, minimum=1))
# By how much a meeting is extended, again and again, while people are in it.
MEETING_EXTENSION = timedelta(minutes=env.integer("MEETING_EXTENSION_MINUTES", 30, minimum=10))
# How often a platform is asked who is in, while its webhooks arrive and while none does.
PRESENCE_INTERVAL = timedelta(seconds=env.integer("PRESENCE_INTERVAL_SECONDS", 300, minimum=15))
PRESENCE_INTERVAL_SILENT = timedelta(seconds=env.integer("PRESENCE_INTERVAL_SILENT_SECONDS", 30, minimum=15))

# Transcription: alias -> processor class and its options; see recordings/processors/__init__.py

RECORDING_PROCESSORS: dict[str, dict[str, Any]] = {
    "null": {"BACKEND": "recordings.processors.null.NullProcessor"},
    "http": {
        "BACKEND": "recordings.processors.http.HttpProcessor",
        "OPTIONS": {
            "url": env.url("RECORDING_PROCESSOR_URL"),
            "secrets": env.words("RECORDING_PROCESSOR_SECRET"),
        },
    },
    "openai": {
        "BACKEND": "recordings.processors.openai.OpenAIProcessor",
        "OPTIONS": {
            "api_url": env.url("TRANSCRIPTION_API_URL", "https://api.openai.com/v1"),
            "api_key": env.text("TRANSCRIPTION_API_KEY"),
            "model": env.text("TRANSCRIPTION_MODEL", "whisper-1"),
            "timeout": env.integer("TRANSCRIPTION_TIMEOUT_SECONDS", 600, minimum=10),
        },
    },
    "whisper": {
        "BACKEND": "recordings.processors.whisper.WhisperProcessor",
        "OPTIONS": {"model": env.text("WHISPER_MODEL", "small"), "device": env.text("WHISPER_DEVICE", "auto")},
    },
}
if SANDBOX_ENABLED:
    RECORDING_PROCESSORS["sandbox"] = {
        "BACKEND": "recordings.processors.openai.OpenAIProcessor",
        "OPTIONS": {"api_url": f"{SANDBOX_URL}/transcription/v1", "api_key": "sandbox", "model": "sandbox"},
    }
RECORDING_PROCESSOR = env.choice(
    "RECORDING_PROCESSOR", "sandbox" if SANDBOX_ENABLED else "null", tuple(RECORDING_PROCESSORS)
)

# Fetching recordings

RECORDING_MAX_BYTES = env.integer("RECORDING_MAX_BYTES", 20 * 1024**3, minimum=1)  # one file
RECORDING_DEADLINE_SECONDS = env.integer("RECORDING_DEADLINE_SECONDS", 3 * 3600, minimum=1)  # one file, one attempt
RECORDING_SILENCE_SECONDS = 5  # without a byte until a connection counts as lost; half of the work's lease at most
RECORDINGS_KEEP_FREE = env.integer("RECORDINGS_KEEP_FREE_MB", 512) * 1024**2  # bytes of the disk
# Whether what a provider left in the bucket of RECORDINGS_STORAGE_BUCKET itself is copied all the same.
RECORDINGS_COPY_OWN_BUCKET = env.boolean("RECORDINGS_COPY_OWN_BUCKET", False)

# Keeping recordings, unless their room says otherwise; 0 is for ever. What is deleted rests in the trash first.
RECORDING_RETENTION_DAYS = env.integer("RECORDING_RETENTION_DAYS", 0, maximum=36_500)
TRASH_DAYS = env.integer("TRASH_DAYS", 30, maximum=36_500)

# Addresses that users or providers give must be public; these host:port pairs are let through all the same.
OUTBOUND_ALLOWED_HOSTS = env.words("OUTBOUND_ALLOWED_HOSTS")
if SANDBOX_ENABLED:
    OUTBOUND_ALLOWED_HOSTS += [f"localhost:{SANDBOX_PORT}", f"localhost:{SANDBOX_STORAGE_PORT}"]

# Webhooks in

WEBHOOK_BODY_LIMIT = env.integer("WEBHOOK_BODY_LIMIT", 1024 * 1024, minimum=16 * 1024)  # bytes
WEBHOOK_EVENT_RETENTION_DAYS = env.integer("WEBHOOK_EVENT_RETENTION_DAYS", 30, minimum=1)

# Background work: the rows in the database are the truth, a message is only a nudge to look at one

CELERY_BROKER_URL = env.url("CELERY_BROKER_URL", REDIS_URL, schemes=("redis", "rediss", "amqp", "amqps"))
if not CELERY_BROKER_URL:
    CELERY_BROKER_URL = "files://"  # see config/broker.py
    for folder in ("queue", "control"):
        env.make_folder(DATA_DIR / "broker" / folder, "DATA_DIR")
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker" / "queue"),
        "data_folder_out": str(DATA_DIR / "broker" / "queue"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "polling_interval": 0.2,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    # A broker that hangs is given up, and found again when it is back.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "max_retries": 0,
    }
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # workers wait for a lost broker as long as it takes
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# For tasks that say nothing else; a row of work says how long it may take.
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "quick"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "platforms.tasks.sweep", "schedule": schedule(timedelta(seconds=10))},
    "old webhook events": {
        "task": "platforms.tasks.prune_webhook_events",
        "schedule": schedule(timedelta(days=1)),
    },
    "webhook subscriptions": {
        "task": "platforms.tasks.check_subscriptions",
        "schedule": schedule(timedelta(minutes=2)),
        "options": {"expires": 120},
    },
    "presence": {
        "task": "meetings.tasks.check_presence",
        "schedule": schedule(timedelta(seconds=15)),
        "options": {"expires": 15},
    },
    "lifecycle": {
        "task": "meetings.tasks.review_meetings",
        "schedule": schedule(timedelta(minutes=1)),
        "options": {"expires": 60},
    },
    "recordings": {
        "task": "recordings.tasks.find_recordings",
        "schedule": schedule(timedelta(minutes=5)),
        "options": {"expires": 300},
    },
    "consent": {
        "task": "recordings.tasks.enforce_consent",
        "schedule": schedule(timedelta(minutes=1)),
        "options": {"expires": 60},
    },
    "old recordings": {"task": "recordings.tasks.prune_recordings", "schedule": schedule(timedelta(days=1))},
}
if AWS_PROCESS_RECORDING_QUEUE_URL:
    CELERY_BEAT_SCHEDULE["recording queue"] = {
        "task": "recordings.tasks.process_recording_queue",
        "schedule": schedule(timedelta(seconds=15)),
        "options": {"expires": 15},
    }
    CELERY_BEAT_SCHEDULE["dead letters"] = {
        "task": "recordings.tasks.check_dead_letters",
        "schedule": schedule(timedelta(minutes=10)),
        "options": {"expires": 600},
    }

# Logs: one line an event, key=value, never a secret, a host URL, a token or a signed link

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["console"],
        "level": LOG_LEVEL,
    },
    "loggers": {
        "django": {"handlers": []},  # with its own, each of its lines would come twice
        # A line for each task that came and went says nothing; failures are warnings and errors.
        **{name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy")},
        "kombu.connection": {"level": "ERROR"},
    },
}
