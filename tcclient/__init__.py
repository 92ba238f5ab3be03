"""
The capture client.  docs/architecture.md is the map of its rooms; `service` puts them together.
"""

__version__ = "1.0.0"
