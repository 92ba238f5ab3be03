"""Captures as an application of Django."""

from django.apps import AppConfig


class CapturesConfig(AppConfig):
    """Has captures, and which client had them when."""

    name = "tcserver.captures"
    label = "captures"
