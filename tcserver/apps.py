"""The server as an application of Django, so that its own commands are found beside Django's."""

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Has no tables: each room has its own."""

    name = "tcserver"
    label = "tcserver"
