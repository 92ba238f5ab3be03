"""A stand-in for the capture server, on loopback, which answers as deployed ones were recorded."""

from tcsandbox.server.rows import TOKEN
from tcsandbox.server.standin import CaptureServer

__all__ = ["TOKEN", "CaptureServer"]
