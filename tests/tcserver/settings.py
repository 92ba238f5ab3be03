"""The server's settings for tests: another database, quick passwords, nothing of logging."""

import os

from tcserver.environment import DATABASE, read
from tcserver.settings import *  # noqa: F403

_URL = os.environ.get("TCC_TEST_DATABASE_URL")
DATABASES = {"default": read({DATABASE: _URL} if _URL else {}).database}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The log belongs to the tests of the client in the same process.
LOGGING_CONFIG = None
ALLOWED_HOSTS = ["testserver", "localhost"]
