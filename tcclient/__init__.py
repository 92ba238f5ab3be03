"""
The capture client.  Where what is:

`service` puts it together.  `server/` asks the capture server what to capture and tells it how it
goes, `capture`, `lifecycle` and `session` do it for one job, `feeds/` bring the posts, `twitter/`
is what X and Twitter speak, `wire/` the bytes of both, `disk/` the files, `config/` the settings
and `--check`.  `entries`, `ledger`, `coverage` and `chronicle` are the account that is kept beside
the posts, and `account/` is `tcc-account`, which reads it.  `sandbox/` are stand-ins for the
capture server and for Twitter; a capture needs none of it.
"""

__version__ = "1.0.0"
