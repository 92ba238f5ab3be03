"""
The capture client.  `service` puts its rooms together; docs/architecture.md describes them.
"""

__version__ = "1.0.0"
