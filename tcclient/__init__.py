"""The Twitter capture client: a twistd application."""

__version__ = "1.0.0"
