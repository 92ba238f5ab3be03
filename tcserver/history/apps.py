"""The history as an application of Django."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """Has the table of entries."""

    name = "tcserver.history"
    label = "history"
