"""Alerts as an application of Django."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Has alerts, channels and deliveries."""

    name = "tcserver.alerts"
    label = "alerts"
