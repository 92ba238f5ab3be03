"""The website as an application of Django."""

from django.apps import AppConfig


class WebsiteConfig(AppConfig):
    """Has templates and static files, and no tables."""

    name = "tcserver.website"
    label = "website"
