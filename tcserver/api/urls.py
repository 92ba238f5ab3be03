"""The addresses of the API, and of the two questions that machines ask about health."""

from django.urls import re_path

from tcserver.api.health import alive, ready
from tcserver.api.views import api, push_schema, schema

urlpatterns = [
    re_path(r"^api/schema/?$", schema),
    re_path(r"^api/schema/push/?$", push_schema),
    re_path(r"^api(?:[/.][\s\S]*)?$", api),
    re_path(r"^healthz$", alive),
    re_path(r"^readyz$", ready),
]
