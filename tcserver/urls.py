"""The addresses of the server, room by room."""

from django.urls import include, path

urlpatterns = [
    path("", include("tcserver.live.urls")),
    path("", include("tcserver.api.urls")),
    path("", include("tcserver.website.urls")),
]
