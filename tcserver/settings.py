"""
Django's settings, from the environment and the secrets of the data folder.

Without a data folder, as for the tools that only look at the code, keys are new and nothing is
kept.  `tcserver` catches what is wrong here, and says it in one sentence.
"""

import os
import socket

from tcserver.environment import cache, channel_layer, read
from tcserver.keys import new_keys, read_keys

ENVIRONMENT = read(os.environ)
_KEYS = new_keys() if ENVIRONMENT.data is None else read_keys(ENVIRONMENT.data)

SECRET_KEY = _KEYS.secret_key
TOKEN_KEY = _KEYS.token_key
DEBUG = False
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [ENVIRONMENT.host] if ENVIRONMENT.host else [*LOOPBACK, socket.gethostname()]
TRUSTED_PROXIES = ENVIRONMENT.proxies
MOST_OF_LEDGERS = ENVIRONMENT.ledgers_gib << 30
DATABASES = {"default": ENVIRONMENT.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "tcserver",
    "tcserver.history",
    "tcserver.people",
    "tcserver.fleet",
    "tcserver.captures",
    "tcserver.accounts",
    "tcserver.alerts",
    "tcserver.website",
]

CACHES = {"default": cache(ENVIRONMENT.redis, SECRET_KEY)}
CHANNEL_LAYERS = {"default": channel_layer(ENVIRONMENT.redis, SECRET_KEY)}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tcserver.middleware.for_everybody",
    "tcserver.outages.Outages",
    "tcserver.middleware.BrowsersOnly",
]
BROWSERS_MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tcserver.middleware.content_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tcserver.middleware.LoginFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
"""What the website needs, and clients of the API do without: sessions, forms, static files."""

ROOT_URLCONF = "tcserver.urls"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTH_USER_MODEL = "people.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "captures"
LOGOUT_REDIRECT_URL = "login"

TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en"
USE_I18N = False

STATIC_URL = "/static/"
# Served as they are installed: there is no step that collects them.
WHITENOISE_USE_FINDERS = True

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 << 20
"""Most bytes of a request's body; clients send a ledger in pieces that are far smaller."""

SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
"""Seconds that a link to choose a password works."""
X_FRAME_OPTIONS = "DENY"
if ENVIRONMENT.origin is not None:
    CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.origin]
if ENVIRONMENT.secure:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    # The proxy that ends TLS sets this header, and passes on no other than its own.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "tcserver.loglines.LineFormatter",
            "fmt": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "django": {"level": "INFO", "handlers": ["console"], "propagate": False},
        # Each answer of 4xx would be a line, and clients get many of them in their daily life.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
        # A traceback each second while Redis is away, of which tcserver.live has one line.
        "channels_redis": {"level": "CRITICAL"},
    },
    "root": {"level": "INFO", "handlers": ["console"]},
}
