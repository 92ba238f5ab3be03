"""The account as an application of Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Has updates and ledgers."""

    name = "tcserver.accounts"
    label = "accounts"
