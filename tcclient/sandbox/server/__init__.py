"""A stand-in for the capture server, on loopback, as deployed servers were recorded."""

from tcclient.sandbox.server.rows import TOKEN
from tcclient.sandbox.server.standin import CaptureServer

__all__ = ["TOKEN", "CaptureServer"]
