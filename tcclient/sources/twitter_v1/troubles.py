"""What only v1.1 can be in trouble with."""

from tcclient.runtime.backoff import HTTP_RAMP, Trouble

DUPLICATE = Trouble("duplicate", HTTP_RAMP, lingers=600.0)
"""
Another client uses the credentials: reconnecting at once would only throw it out in turn.  After
ten minutes, which is above the longest wait of its ramp, the next one starts the ramp anew.
"""
