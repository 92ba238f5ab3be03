"""Tells twistd that there is a `tcc` command; imports nothing of the application."""

from twisted.application.service import ServiceMaker

tcc = ServiceMaker(
    "tcc",
    "tcclient.command",
    "Twitter Capture Client: captures live posts as a capture server asks for.",
    "tcc",
)
