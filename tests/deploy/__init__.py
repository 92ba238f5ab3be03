"""What deploy/ has for systemd, logrotate, nginx and Caddy, by these programs themselves."""

from tests.marks import Need

NEEDED = Need.PROCESSES
