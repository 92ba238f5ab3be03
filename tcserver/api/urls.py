"""The addresses of the API, and of the two questions that machines ask about health."""

from django.urls import re_path

from tcserver.api.health import alive, ready
from tcserver.api.views import api

urlpatterns = [
    re_path(r"^api(?:[/.].*)?$", api),
    re_path(r"^healthz$", alive),
    re_path(r"^readyz$", ready),
]
