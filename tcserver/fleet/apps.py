"""The fleet as an application of Django."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Has clients and their tokens."""

    name = "tcserver.fleet"
    label = "fleet"
