"""
Tests of tcserver, the capture server, in this process and in processes of their own.

Django is set up once for all of them.  They use SQLite, or the database that TCC_TEST_DATABASE_URL
names.
"""

import logging
import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.tcserver.settings"
django.setup()
# As in the server: what clients get in their daily life is no line of the log.
for name in ("request", "security"):
    logging.getLogger(f"django.{name}").setLevel(logging.CRITICAL)
