"""Settings of the whole product, read from the environment. Every variable is described in env.example."""

import base64
import hashlib
import logging
import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import crontab, schedule
from csp import constants as csp

from config.environment import Environment
from config.installed_platforms import installed_platforms
from config.sandbox import play
from config.speech import bundled_model
from config.telemetry import is_installed

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
# Webhook secrets, and addresses that are secrets, are encrypted in the database with the first; see rooms/keyring.py.
FIELD_ENCRYPTION_KEYS = env.key_ring("FIELD_ENCRYPTION_KEYS", keep_in=DATA_DIR / "field_encryption_key")
FIELD_ENCRYPTION_KEY_IS_KEPT_HERE = not env.words("FIELD_ENCRYPTION_KEYS")
PUBLIC_URL = env.origin("PUBLIC_URL", f"http://localhost:{PORT}")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [
    urlsplit(PUBLIC_URL).hostname or "",
    *(["localhost", "127.0.0.1", "[::1]", "testserver"] if DEBUG else []),
]
# How many reverse proxies in front of this server set X-Forwarded-For and X-Forwarded-Proto.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0)

INSTALLED_APPS = [
    "config.apps.StaffConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "config",
    "platforms",
    "rooms",
    "meetings",
    "recordings",
]

MIDDLEWARE = [
    "config.request_log.request_log",
    "config.middleware.probes",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.webhooks",
    "config.middleware.not_stored",
    "config.middleware.StaticFiles",
    "config.middleware.CompressedPages",
    "config.middleware.languages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "rooms.browsers.noting_browsers",
    "rooms.languages.keeping_language",
    "rooms.second_factor.requiring_it",
    "config.audit.middleware.audit",
    "config.middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.ContentPolicy",
    "config.middleware.own_error_pages",
]

# Before all others, so that a browser can read refusals too. Without an origin there is nothing to answer.
CORS_ALLOWED_ORIGINS = env.origins("CORS_ORIGINS")
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")
    INSTALLED_APPS.append("corsheaders")
CORS_URLS_REGEX = r"^/(?:v1/|health$)"
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "x-api-key", "range"]
CORS_EXPOSE_HEADERS = ["accept-ranges", "content-disposition", "content-length", "content-range", "etag", "retry-after"]

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
    DATABASES["default"]["ENGINE"] = "config.postgresql"
    # What follows the ? of the address goes first, such as sslmode=require.
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 2, **DATABASES["default"].get("OPTIONS", {})}

REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss"))

MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_DIR", str(DATA_DIR / "static")))  # where collectstatic puts what is served
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static_files.HashedStaticFiles"
    },
    # Recordings and logos are kept in a folder, or in a bucket when one is named.
    "recordings": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "recordings"},
    },
}
if RECORDINGS_STORAGE_BUCKET := env.text("RECORDINGS_STORAGE_BUCKET"):
    its_options = {
        "bucket_name": RECORDINGS_STORAGE_BUCKET,
        "region_name": env.text("RECORDINGS_STORAGE_REGION") or None,
        # Without a key, the machine's own role is used.
        "access_key": env.text("RECORDINGS_STORAGE_ACCESS_KEY_ID") or None,
        "secret_key": env.text("RECORDINGS_STORAGE_ACCESS_KEY_SECRET") or None,
        "endpoint_url": env.url("RECORDINGS_STORAGE_ENDPOINT_URL", env.url("AWS_ENDPOINT_URL")) or None,
        "signature_version": "s3v4",
    }
    STORAGES["recordings"] = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": its_options}
    # All machines must find a logo that one of them was given, and those of two rooms may have one name.
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {**its_options, "file_overwrite": False},
    }
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# Time and language

# Texts are written in English; /v1/ and what is stored stay so. Pages, mails and Admin are in the reader's language.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
TRANSLATED_APPS = ("config", "platforms", "rooms", "meetings", "recordings")
LOCALE_PATHS = [BASE_DIR / app / "locale" for app in TRANSLATED_APPS]  # so that they go before Django's own
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"

# Security

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
] + [{"NAME": "rooms.passwords.EndsApiKeys"}]
FIRST_ADMIN = {
    "username": env.text("DJANGO_SUPERUSER_USERNAME", "admin"),
    "email": env.text("DJANGO_SUPERUSER_EMAIL", "admin@example.com"),
    "password": env.text("DJANGO_SUPERUSER_PASSWORD"),
}
SECURE_SSL_REDIRECT = not DEBUG and PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if SECURE_SSL_REDIRECT else 0
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
X_FRAME_OPTIONS = "DENY"
# For all pages; the room page lets one origin in, that of the meeting which it frames.
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": ("/v1/",),
    "DIRECTIVES": {
        "default-src": [csp.SELF],
        "script-src": [csp.SELF],
        "style-src": [csp.SELF],
        "img-src": [csp.SELF, "data:"],
        "media-src": [csp.SELF, "blob:"],
        # Not in every browser are WebSockets of one's own among what SELF names.
        "connect-src": [csp.SELF, PUBLIC_URL.replace("http", "ws", 1)],
        "frame-ancestors": [csp.NONE],
        "base-uri": [csp.NONE],
        "form-action": [csp.SELF],
        "object-src": [csp.NONE],
    },
}
if RECORDINGS_STORAGE_BUCKET:  # which recordings are played from, by links that end
    its_endpoint = (
        its_options["endpoint_url"] or f"https://s3.{its_options['region_name'] or 'us-east-1'}.amazonaws.com"
    )
    scheme, _, host = str(its_endpoint).rstrip("/").partition("://")
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["media-src"] += [
        *(f"{scheme}://{host}", f"{scheme}://{RECORDINGS_STORAGE_BUCKET}.{host}"),
        *([] if its_options["endpoint_url"] else [f"https://{RECORDINGS_STORAGE_BUCKET}.s3.amazonaws.com"]),
    ]
# Whether staff who sign in with a password need a second factor; see rooms/second_factor.py.
REQUIRE_SECOND_FACTOR = env.boolean("REQUIRE_SECOND_FACTOR", False)
OTP_TOTP_ISSUER = "Reflector Rooms"  # what an app calls it
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
    "DEFAULT_RENDERER_CLASSES": ["rooms.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "rooms.api.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Reflector Rooms",
    "DESCRIPTION": (BASE_DIR / "docs" / "api.md").read_text(),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "PlatformEnum": "platforms.handler.get_available_platforms",
        "SourceKind": "recordings.models.Transcript.SourceKind",
        "TranscriptStatusEnum": "recordings.models.Transcript.Status",
        "ICSStatusEnum": ["enabled", "disabled"],
        "SyncStatus": ["success", "unchanged", "error", "skipped"],
    },
}
ACCESS_TOKEN_LIFETIME = timedelta(seconds=env.integer("ACCESS_TOKEN_SECONDS", 24 * 3600, minimum=60))
# Whose bearer tokens are taken besides our own; see rooms/oidc.
OIDC_ISSUER = env.url("OIDC_ISSUER", schemes=("http", "https") if DEBUG else ("https",))
OIDC_AUDIENCE = env.words("OIDC_AUDIENCE")
OIDC_STAFF_GROUPS = env.words("OIDC_STAFF_GROUPS")
OIDC_ADMIN_GROUPS = env.words("OIDC_ADMIN_GROUPS")
# As which client of it people sign in by its page; without one they do not.
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
OIDC_SCOPES = env.words("OIDC_SCOPES", "openid,email,profile")
if OIDC_ISSUER and not (OIDC_AUDIENCE or OIDC_CLIENT_ID):
    env.refuse("OIDC_AUDIENCE", "is not set: tokens that OIDC_ISSUER made for other services would be taken")
if OIDC_CLIENT_ID and not OIDC_ISSUER:
    env.refuse("OIDC_ISSUER", "must be set too, as OIDC_CLIENT_ID is")
if "openid" not in OIDC_SCOPES:
    env.refuse("OIDC_SCOPES", "must hold openid")
# Whether people who are not signed in may list shared rooms.
PUBLIC_MODE = env.boolean("PUBLIC_MODE", False)

# Video platforms: alias -> backend class and its options; see platforms/__init__.py

AWS_S3_REGION = env.text("AWS_S3_REGION", "us-east-1")
# The queue that says when a recording was put into a bucket.
AWS_PROCESS_RECORDING_QUEUE_URL = env.url("AWS_PROCESS_RECORDING_QUEUE_URL")
MOCK_PLATFORM_ENABLED = env.boolean("MOCK_PLATFORM_ENABLED", DEBUG)

# The sandbox plays every platform that has no key, on this machine, as SANDBOX in its block says; see config/sandbox.py
# and platforms/sandbox/__init__.py.
SANDBOX_ENABLED = env.boolean("SANDBOX_ENABLED", DEBUG)
SANDBOX_PORT = env.integer("SANDBOX_PORT", 9100, minimum=1, maximum=65535)
SANDBOX_STORAGE_PORT = env.integer("SANDBOX_STORAGE_PORT", 9101, minimum=1, maximum=65535)
SANDBOX_URL = f"http://localhost:{SANDBOX_PORT}"
SANDBOX_STORAGE_URL = f"http://localhost:{SANDBOX_STORAGE_PORT}"
# Base64, which one provider asks for; made of a secret, so that nobody else can sign events.
SANDBOX_WEBHOOK_SECRET = base64.b64encode(hashlib.sha256(b"sandbox" + SECRET_KEY.encode()).digest()).decode()
SANDBOX_KEY = BASE_DIR / "platforms/sandbox/jaas/key.pem"  # which guards nothing
SANDBOX_STORAGE = {
    "s3_endpoint_url": SANDBOX_STORAGE_URL,
    "s3_region": "us-east-1",
    "aws_access_key_id": "sandbox",
    "aws_access_key_secret": "sandbox",
}

VIDEO_PLATFORMS: dict[str, dict[str, Any]] = {
    "whereby": {
        "BACKEND": "platforms.backends.whereby.WherebyClient",
        "OPTIONS": {
            "api_url": env.url("WHEREBY_API_URL", "https://api.whereby.dev/v1"),
            "api_key": env.text("WHEREBY_API_KEY"),
            "webhook_secrets": env.words("WHEREBY_WEBHOOK_SECRET"),
            "webhook_window": env.integer("WHEREBY_WEBHOOK_WINDOW_SECONDS", 60, minimum=1, maximum=86_400),
            "s3_bucket": env.text("AWS_WHEREBY_S3_BUCKET"),
            "s3_region": env.text("AWS_WHEREBY_S3_REGION", AWS_S3_REGION),
            "aws_access_key_id": env.text("AWS_WHEREBY_ACCESS_KEY_ID"),
            "aws_access_key_secret": env.text("AWS_WHEREBY_ACCESS_KEY_SECRET"),
            # Rooms asked about per minute. The smallest plan's budget pays for about ten calls, of which opening
            # meetings needs some, and a room takes two.
            "presence_checks_per_minute": env.integer("WHEREBY_PRESENCE_CHECKS_PER_MINUTE", 3),
        },
        "SANDBOX": {
            "KEY": "api_key",
            "OPTIONS": {
                "api_url": f"{SANDBOX_URL}/whereby/v1",
                "api_key": "sandbox",
                "webhook_secrets": [SANDBOX_WEBHOOK_SECRET, *env.words("WHEREBY_WEBHOOK_SECRET")],
                **SANDBOX_STORAGE,
                "s3_bucket": "sandbox-whereby",
                "presence_checks_per_minute": env.integer("WHEREBY_PRESENCE_CHECKS_PER_MINUTE", 60),
            },
            "VARIABLES": [
                "WHEREBY_API_URL",
                *(f"AWS_WHEREBY_{name}" for name in ("S3_BUCKET", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET")),
            ],
        },
    },
    "daily": {
        "BACKEND": "platforms.backends.daily.DailyClient",
        "OPTIONS": {
            "api_url": env.url("DAILY_API_URL", "https://api.daily.co/v1"),
            "api_key": env.text("DAILY_API_KEY"),
            "webhook_secrets": env.words("DAILY_WEBHOOK_SECRET"),
            # Of two hours, as it repeats what failed after a quarter of an hour, perhaps with the signature it had.
            "webhook_window": env.integer("DAILY_WEBHOOK_WINDOW_SECONDS", 7200, minimum=1, maximum=86_400),
            "s3_bucket": env.text("AWS_DAILY_S3_BUCKET"),
            "s3_region": env.text("AWS_DAILY_S3_REGION", env.text("AWS_S3_REGION", "us-west-2")),
            "aws_role_arn": env.text("AWS_DAILY_ROLE_ARN"),
            "recording_mode": env.choice("DAILY_RECORDING_MODE", "cloud", ("cloud", "raw-tracks")),
            # Deliveries signed in the older way can be replayed for ever.
            "accept_unstamped_signature": env.boolean("DAILY_ACCEPT_UNSTAMPED_SIGNATURE", DEBUG),
        },
        "SANDBOX": {
            "KEY": "api_key",
            "OPTIONS": {
                "api_url": f"{SANDBOX_URL}/daily/v1",
                "api_key": "sandbox",
                "webhook_secrets": [SANDBOX_WEBHOOK_SECRET, *env.words("DAILY_WEBHOOK_SECRET")],
                # One file is in its own storage, so that only tracks need a bucket.
                **(
                    {**SANDBOX_STORAGE, "s3_bucket": "sandbox-daily", "aws_role_arn": "sandbox"}
                    if env.text("DAILY_RECORDING_MODE") == "raw-tracks"
                    else {"s3_bucket": "", "aws_role_arn": ""}
                ),
            },
            "VARIABLES": ["DAILY_API_URL", "AWS_DAILY_S3_BUCKET", "AWS_DAILY_ROLE_ARN"],
        },
    },
    "livekit": {
        "BACKEND": "platforms.backends.livekit.LiveKitClient",
        "OPTIONS": {
            "api_url": env.url("LIVEKIT_URL", schemes=("wss", "https", "ws", "http")),
            "api_key": env.text("LIVEKIT_API_KEY"),
            "api_secret": env.text("LIVEKIT_API_SECRET"),
            "webhook_secrets": env.words("LIVEKIT_WEBHOOK_KEYS"),
            "webhook_window": env.integer("LIVEKIT_WEBHOOK_WINDOW_SECONDS", 360, minimum=1, maximum=86_400),
            "s3_bucket": env.text("AWS_LIVEKIT_S3_BUCKET"),
            "s3_region": env.text("AWS_LIVEKIT_S3_REGION", AWS_S3_REGION),
            "s3_endpoint_url": env.url("AWS_LIVEKIT_S3_ENDPOINT_URL"),
            "aws_access_key_id": env.text("AWS_LIVEKIT_ACCESS_KEY_ID"),
            "aws_access_key_secret": env.text("AWS_LIVEKIT_ACCESS_KEY_SECRET"),
        },
        "SANDBOX": {
            "KEY": "api_key",
            "OPTIONS": {
                "api_url": f"{SANDBOX_URL}/livekit",
                "api_key": "sandbox",
                "api_secret": "sandbox-secret-that-guards-nothing",
                "webhook_secrets": [SANDBOX_WEBHOOK_SECRET, *env.words("LIVEKIT_WEBHOOK_KEYS")],
                **SANDBOX_STORAGE,
                "s3_bucket": "sandbox-livekit",
            },
            "VARIABLES": [
                "LIVEKIT_URL",
                "LIVEKIT_API_SECRET",
                *(f"AWS_LIVEKIT_{name}" for name in ("S3_BUCKET", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET")),
            ],
        },
    },
    "jaas": {
        "BACKEND": "platforms.backends.jaas.JaasClient",
        "OPTIONS": {
            "api_url": env.url("JAAS_URL", "https://8x8.vc"),
            "app_id": env.text("JAAS_APP_ID"),
            "key_id": env.text("JAAS_KEY_ID"),
            "private_key": env.private_key("JAAS_PRIVATE_KEY"),
            "webhook_secrets": env.words("JAAS_WEBHOOK_SECRET"),
            "webhook_window": env.integer("JAAS_WEBHOOK_WINDOW_SECONDS", 300, minimum=1, maximum=86_400),
        },
        "SANDBOX": {
            "KEY": "private_key",
            "OPTIONS": {
                "api_url": SANDBOX_URL,
                "app_id": "jaas",
                "key_id": "sandbox",
                "private_key": SANDBOX_KEY.read_text() if SANDBOX_ENABLED else "",
                "webhook_secrets": [SANDBOX_WEBHOOK_SECRET, *env.words("JAAS_WEBHOOK_SECRET")],
            },
            "VARIABLES": ["JAAS_URL", "JAAS_APP_ID", "JAAS_KEY_ID"],
        },
    },
}
if MOCK_PLATFORM_ENABLED:
    VIDEO_PLATFORMS["mock"] = {
        "BACKEND": "platforms.backends.mock.MockClient",
        "OPTIONS": {"webhook_secrets": [SANDBOX_WEBHOOK_SECRET], "public_url": PUBLIC_URL},
        "SANDBOX": {
            "KEY": "",  # it is there for the sandbox only
            "BACKEND": "platforms.backends.mock.SandboxMockClient",
            "OPTIONS": {"api_url": f"{SANDBOX_URL}/mock"},
        },
    }
# Those of packages that are installed, which are apps as well.
its_platforms, its_packages = installed_platforms(env, taken=VIDEO_PLATFORMS)
VIDEO_PLATFORMS |= its_platforms
INSTALLED_APPS += its_packages
# Variables that are set but not used, as the sandbox plays their platform -> that platform.
SANDBOX_UNUSED_VARIABLES = play(VIDEO_PLATFORMS, env.text) if SANDBOX_ENABLED else {}
if SANDBOX_ENABLED:
    ALLOWED_HOSTS += ["127.0.0.1"]  # where its webhooks go
if VIDEO_PLATFORMS["whereby"]["OPTIONS"].get("simulated"):  # whose recordings nothing but the queue tells of
    its_queue = f"{SANDBOX_STORAGE_URL}/123456789012/sandbox-recordings"
    AWS_PROCESS_RECORDING_QUEUE_URL = AWS_PROCESS_RECORDING_QUEUE_URL or its_queue

PROVIDER_CONNECT_TIMEOUT = env.integer("PROVIDER_CONNECT_TIMEOUT", 3, minimum=1)  # seconds
PROVIDER_READ_TIMEOUT = env.integer("PROVIDER_READ_TIMEOUT", 10, minimum=1)  # seconds
PROVIDER_TOTAL_TIMEOUT = env.integer("PROVIDER_TOTAL_TIMEOUT", 15, minimum=1)  # seconds, all attempts together

# The rollout: which platform an automatic room opens on; see rooms/selection.py

DEFAULT_VIDEO_PLATFORM = env.choice("DEFAULT_VIDEO_PLATFORM", "whereby", tuple(VIDEO_PLATFORMS))
VIDEO_PLATFORM_FAILOVER = env.words("VIDEO_PLATFORM_FAILOVER") or list(VIDEO_PLATFORMS)
# What the platform counts for that a program names when it makes a room by the API; some must name one.
CLIENT_ROOM_PLATFORM = env.choice("CLIENT_ROOM_PLATFORM", "unless-default", ("always", "unless-default", "never"))
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
# How long before its start the meeting of a calendar's event is opened.
CALENDAR_OPEN_AHEAD = timedelta(minutes=env.integer("CALENDAR_OPEN_MINUTES", 6, maximum=120))
# By how much a meeting is extended, again and again, while people are in it.
MEETING_EXTENSION = timedelta(minutes=env.integer("MEETING_EXTENSION_MINUTES", 30, minimum=10))
# How often a platform is asked who is in, while its webhooks arrive and while none does.
PRESENCE_INTERVAL = timedelta(seconds=env.integer("PRESENCE_INTERVAL_SECONDS", 300, minimum=15))
PRESENCE_INTERVAL_SILENT = timedelta(seconds=env.integer("PRESENCE_INTERVAL_SILENT_SECONDS", 30, minimum=15))

# Transcription: alias -> processor class and its options; see recordings/transcription/processors/__init__.py

SPEECH_MODEL = bundled_model()  # the folder of what `make speech` installs; "" where it is not installed
RECORDING_PROCESSORS: dict[str, dict[str, Any]] = {
    "null": {"BACKEND": "recordings.transcription.processors.null.NullProcessor"},
    "http": {
        "BACKEND": "recordings.transcription.processors.http.HttpProcessor",
        "OPTIONS": {
            "url": env.url("RECORDING_PROCESSOR_URL"),
            "secrets": env.words("RECORDING_PROCESSOR_SECRET"),
        },
    },
    "openai": {
        "BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor",
        "OPTIONS": {
            "api_url": env.url("TRANSCRIPTION_API_URL", "https://api.openai.com/v1"),
            "api_key": env.text("TRANSCRIPTION_API_KEY"),
            "model": env.text("TRANSCRIPTION_MODEL", "whisper-1"),
            "timeout": env.integer("TRANSCRIPTION_TIMEOUT_SECONDS", 600, minimum=10),
        },
    },
    "whisper": {
        "BACKEND": "recordings.transcription.processors.whisper.WhisperProcessor",
        "OPTIONS": {
            "model": env.text("WHISPER_MODEL", SPEECH_MODEL or "small"),
            "device": env.text("WHISPER_DEVICE", "auto"),
        },
    },
}
if SANDBOX_ENABLED:
    RECORDING_PROCESSORS["sandbox"] = {
        "BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor",
        "OPTIONS": {
            "api_url": f"{SANDBOX_URL}/transcription/v1",
            "api_key": "sandbox",
            "model": "sandbox",
            "languages": (),  # it understands none
        },
    }
RECORDING_PROCESSOR = env.choice(
    "RECORDING_PROCESSOR",
    ("whisper" if SPEECH_MODEL else "sandbox") if SANDBOX_ENABLED else "null",
    tuple(RECORDING_PROCESSORS),
)

# Titles, summaries, topics and action items, by a language model; None: there are none. See recordings/summaries.

LANGUAGE_MODEL: dict[str, Any] | None = None
if env.both("LLM_API_URL", "LLM_MODEL"):
    LANGUAGE_MODEL = {
        "api_url": env.url("LLM_API_URL"),
        "model": env.text("LLM_MODEL"),
        "api_key": env.text("LLM_API_KEY"),
        "timeout": env.integer("LLM_TIMEOUT_SECONDS", 120, minimum=5),
    }

# Fetching recordings

RECORDING_MAX_BYTES = env.integer("RECORDING_MAX_BYTES", 20 * 1024**3, minimum=1)  # one file
UPLOAD_HOURS_PER_DAY = env.integer("UPLOAD_HOURS_PER_DAY", 24)  # of audio, of one person
RECORDING_DEADLINE_SECONDS = env.integer("RECORDING_DEADLINE_SECONDS", 3 * 3600, minimum=1)  # one file, one attempt
RECORDING_SILENCE_SECONDS = 5  # without a byte until a connection counts as lost; half of the work's lease at most
RECORDINGS_KEEP_FREE = env.integer("RECORDINGS_KEEP_FREE_MB", 512) * 1024**2  # bytes of the disk
UPLOAD_QUOTA = env.integer("UPLOAD_QUOTA_MB", 40_960, minimum=1) * 1024**2  # bytes, of all that one person has uploaded
# Whether what a provider left in the bucket of RECORDINGS_STORAGE_BUCKET itself is copied all the same.
RECORDINGS_COPY_OWN_BUCKET = env.boolean("RECORDINGS_COPY_OWN_BUCKET", False)

# Keeping recordings, unless their room says otherwise; 0 is for ever. What is deleted rests in the trash first.
RECORDING_RETENTION_DAYS = env.integer("RECORDING_RETENTION_DAYS", 0, maximum=36_500)
TRASH_DAYS = env.integer("TRASH_DAYS", 30, maximum=36_500)

# Addresses that users or providers give must be public; these host:port pairs are let through all the same.
OUTBOUND_ALLOWED_HOSTS = env.words("OUTBOUND_ALLOWED_HOSTS")
if SANDBOX_ENABLED:
    OUTBOUND_ALLOWED_HOSTS += [f"localhost:{SANDBOX_PORT}", f"localhost:{SANDBOX_STORAGE_PORT}"]

# What pauses, and how long a queue hides a message, is divided by this where nobody should wait: in tests.
WAIT_DIVISOR = env.integer("WAIT_DIVISOR", 1, minimum=1, maximum=100)
BUCKET_PAGE_SIZE = 1000  # objects, the most that a bucket lists at once

# E-mail

MAIL = env.mail("EMAIL_URL", "consolemail://" if DEBUG else "")
EMAIL_IS_SENT = bool(MAIL)
EMAIL_BACKEND = MAIL.get("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.get("EMAIL_USE_TLS", False), MAIL.get("EMAIL_USE_SSL", False)
EMAIL_HOST = MAIL.get("EMAIL_HOST", "localhost")
EMAIL_PORT = MAIL.get("EMAIL_PORT", 587 if EMAIL_USE_TLS else 465 if EMAIL_USE_SSL else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.get("EMAIL_HOST_USER", ""), MAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 15  # seconds, for each word of the conversation
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", f"Reflector Rooms <rooms@{urlsplit(PUBLIC_URL).hostname}>"
)
# Of transcripts that are sent by e-mail and to Zulip, whose readers no page knows.
MAIL_LANGUAGE = env.choice("MAIL_LANGUAGE", LANGUAGE_CODE, tuple(dict(LANGUAGES)))

# Where staff's notices go besides Admin
NOTICE_EMAILS = env.words("NOTICE_EMAILS")
NOTICE_WEBHOOK_URL = env.url("NOTICE_WEBHOOK_URL")
if NOTICE_EMAILS and not EMAIL_IS_SENT:
    env.refuse("EMAIL_URL", "must be set too, as NOTICE_EMAILS is")

# Zulip, as a bot

ZULIP_REALM = env.server("ZULIP_REALM")
ZULIP_BOT_EMAIL = env.text("ZULIP_BOT_EMAIL")
ZULIP_API_KEY = env.text("ZULIP_API_KEY")

# How often an account, or a network of people who are not signed in, may do it: times in seconds; 0 times: no limit

LIMITS = {
    "openings": (env.integer("OPENINGS_PER_MINUTE", 120), 60),
    "joins": (env.integer("JOINS_PER_MINUTE", 300), 60),
    "consents": (env.integer("CONSENTS_PER_MINUTE", 300), 60),
    "uploads": (env.integer("UPLOAD_PIECES_PER_MINUTE", 600), 60),
    "emails": (env.integer("EMAIL_REQUESTS_PER_HOUR", 120), 3600),
    "resets": (env.integer("PASSWORD_RESETS_PER_HOUR", 5), 3600),
    "refused webhooks": (env.integer("REFUSED_WEBHOOKS_PER_MINUTE", 120), 60),
}

# How long it is kept who changed and read what; 0 is for ever
AUDIT_RETENTION_DAYS = env.integer("AUDIT_RETENTION_DAYS", 730, maximum=36_500)
if 0 < AUDIT_RETENTION_DAYS < 30:
    env.refuse("AUDIT_RETENTION_DAYS", "must be 0 or at least 30")

# Webhooks in

WEBHOOK_BODY_LIMIT = env.integer("WEBHOOK_BODY_LIMIT", 256 * 1024, minimum=16 * 1024)  # bytes
WEBHOOK_EVENT_RETENTION_DAYS = env.integer("WEBHOOK_EVENT_RETENTION_DAYS", 30, minimum=1)

# Background work: the rows in the database are the truth, a message only asks to look at one

CELERY_BROKER_URL = env.url("CELERY_BROKER_URL", REDIS_URL, schemes=("redis", "rediss", "amqp", "amqps"))
if not CELERY_BROKER_URL:
    CELERY_BROKER_URL = "files://"  # see config/broker.py
    for folder in ("queue", "control"):
        env.make_folder(DATA_DIR / "broker" / folder, "DATA_DIR")
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker" / "queue"),
        "data_folder_out": str(DATA_DIR / "broker" / "queue"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "polling_interval": 0.4,  # each look costs CPU, also when nothing is there
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
# A worker takes one message at a time and none beforehand, which another one could have. A message whose worker died is
# not sent again: what it asked for may be what ended it. The sweep finds the rows, which count how often that happened.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
# For tasks that say nothing else; a job says how long it may take.
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "quick"
CELERY_BEAT_SCHEDULER = "config.scheduler:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
# Each message is forgotten when the next but few is sent, so that none pile up while no worker takes them, but none
# within 90 seconds: with more to do than the workers can, those of platforms/work/dispatch.py lie in front of it for as
# long as they last, and a worker goes on with its line for a while. What is rare goes by the clock on the wall: a day
# counted by a process that is restarted every day would never be over.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "platforms.tasks.sweep",
        "schedule": schedule(timedelta(seconds=10)),
        "options": {"expires": 90},
    },
    "watch": {
        "task": "platforms.tasks.watch",
        "schedule": schedule(timedelta(minutes=1)),
        "options": {"expires": 90},
    },
    "transcriber": {
        "task": "recordings.tasks.check_transcriber",
        "schedule": schedule(timedelta(minutes=1)),
        "options": {"expires": 90},
    },
    "certificate": {
        "task": "platforms.tasks.check_certificate",
        "schedule": schedule(timedelta(minutes=5)),
        "options": {"expires": 300},
    },
    "platforms that are down": {
        "task": "platforms.tasks.probe_platforms",
        "schedule": schedule(timedelta(seconds=10)),
        "options": {"expires": 90},
    },
    "old platform figures": {
        "task": "platforms.tasks.prune_platform_figures",
        "schedule": crontab(minute="7"),
        "options": {"expires": 3600},
    },
    "old webhook events": {
        "task": "platforms.tasks.prune_webhook_events",
        "schedule": crontab(minute="17"),
        "options": {"expires": 3600},
    },
    "old audit entries": {
        "task": "platforms.tasks.prune_audit_trail",
        "schedule": crontab(minute="3"),
        "options": {"expires": 3600},
    },
    "old webhook deliveries": {
        "task": "rooms.tasks.prune_webhook_deliveries",
        "schedule": crontab(minute="27"),
        "options": {"expires": 3600},
    },
    "webhook subscriptions": {
        "task": "platforms.tasks.check_subscriptions",
        "schedule": schedule(timedelta(minutes=2)),
        "options": {"expires": 120},
    },
    "presence": {
        "task": "meetings.tasks.check_presence",
        "schedule": schedule(timedelta(seconds=15)),
        "options": {"expires": 90},
    },
    "lifecycle": {
        "task": "meetings.tasks.review_meetings",
        "schedule": schedule(timedelta(minutes=1)),
        "options": {"expires": 90},
    },
    "recordings": {
        "task": "recordings.tasks.find_recordings",
        "schedule": schedule(timedelta(minutes=5)),
        "options": {"expires": 300},
    },
    "scheduled meetings": {
        "task": "meetings.tasks.open_scheduled_meetings",
        "schedule": schedule(timedelta(seconds=30)),
        "options": {"expires": 90},
    },
    "rollout": {
        "task": "rooms.tasks.watch_rollout",
        "schedule": schedule(timedelta(seconds=30)),
        "options": {"expires": 90},
    },
    "calendars": {
        "task": "rooms.tasks.sync_calendars",
        "schedule": schedule(timedelta(seconds=15)),
        "options": {"expires": 90},
    },
    "consent": {
        "task": "recordings.tasks.enforce_consent",
        "schedule": schedule(timedelta(minutes=1)),
        "options": {"expires": 90},
    },
    "consent of longer ago": {
        "task": "recordings.tasks.enforce_all_consent",
        "schedule": crontab(minute="57"),
        "options": {"expires": 3600},
    },
    "old recordings": {
        "task": "recordings.tasks.prune_recordings",
        "schedule": crontab(minute="37"),
        "options": {"expires": 3600},
    },
    "old transcript events": {
        "task": "recordings.tasks.prune_transcript_events",
        "schedule": crontab(minute="57"),
        "options": {"expires": 3600},
    },
    "old sessions": {
        "task": "rooms.tasks.prune_sessions",
        "schedule": crontab(minute="47"),
        "options": {"expires": 3600},
    },
}
if AWS_PROCESS_RECORDING_QUEUE_URL:
    CELERY_BEAT_SCHEDULE["recording queue"] = {
        "task": "recordings.tasks.process_recording_queue",
        "schedule": schedule(timedelta(seconds=15)),
        "options": {"expires": 90},
    }
    CELERY_BEAT_SCHEDULE["dead letters"] = {
        "task": "recordings.tasks.check_dead_letters",
        "schedule": schedule(timedelta(minutes=2)),
        "options": {"expires": 120},
    }

# Metrics: /metrics is there for whoever has the token, or calls from one of the networks

METRICS_TOKEN = env.text("METRICS_TOKEN")
METRICS_NETWORKS = env.networks("METRICS_NETWORKS")
if METRICS_TOKEN or METRICS_NETWORKS:
    env.make_folder(DATA_DIR / "metrics", "DATA_DIR")
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(DATA_DIR / "metrics"))  # read as its library is imported

# Errors to Sentry, and traces by OTLP, each where it is set; what leaves is in config/telemetry

SENTRY_DSN = env.url("SENTRY_DSN")
SENTRY_ENVIRONMENT = env.text("SENTRY_ENVIRONMENT", "production")
OTEL_EXPORTER_OTLP_ENDPOINT = env.url("OTEL_EXPORTER_OTLP_ENDPOINT")
OTEL_EXPORTER_OTLP_HEADERS = env.text("OTEL_EXPORTER_OTLP_HEADERS")
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", "reflector-rooms")
if OTEL_EXPORTER_OTLP_ENDPOINT and is_installed("opentelemetry.exporter.otlp.proto.http"):
    MIDDLEWARE.insert(1, "config.telemetry.traces.traced")  # after the one that gives a request its id

# Logs: one line an event, key=value, never a secret, a host URL, a token or a signed link

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
OWN_LOGGERS = ("config", "platforms", "rooms", "meetings", "recordings")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "platforms.logs.JSONFormatter"},
    },
    "filters": {"refusals": {"()": "platforms.logs.RefusalsInALine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["refusals"]}},
    "root": {
        "handlers": ["console"],
        # What libraries write for debugging holds addresses, statements and bodies as they are, signed links included.
        "level": "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL,
    },
    "loggers": {
        **{name: {"level": LOG_LEVEL} for name in OWN_LOGGERS},
        "django": {"level": "NOTSET", "handlers": []},  # with its own, each of its lines would come twice
        # A line for each task that came and went says nothing; failures are warnings and errors.
        **{name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy")},
        "kombu.connection": {"level": "ERROR"},
        # Its warnings about odd answers name the whole address; what matters of them is raised.
        "urllib3": {"level": "ERROR"},
    },
}
logging.captureWarnings(LOG_FORMAT == "json")  # else they would stand between the objects
