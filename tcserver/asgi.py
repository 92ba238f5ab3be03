"""
The server as an ASGI application.

Here the real-time channel will join: its sockets go to other applications than requests do.
"""

import django
from django.conf import settings
from django.urls import get_resolver

from tcserver.bridge import DjangoInThreads

THREADS = 8
"""Requests that are worked on at once, and database connections that are kept for them."""

django.setup(set_prefix=False)
# What cannot be imported is found now, and not by whoever asks first.
get_resolver().url_patterns  # noqa: B018
application = DjangoInThreads(THREADS, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
