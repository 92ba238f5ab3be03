"""People as an application of Django."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Has users, projects, memberships and keys."""

    name = "tcserver.people"
    label = "people"
