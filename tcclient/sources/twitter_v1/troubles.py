"""
The trouble that only v1.1 can be in.

Knows its waits; when it occurs is known to `api` and `intake`.
"""

from tcclient.runtime.backoff import HTTP_RAMP, Trouble

DUPLICATE = Trouble("duplicate", HTTP_RAMP, lingers=600.0)
"""
Another client uses the same credentials: reconnecting at once would only throw it out in turn.
After ten minutes, which is longer than the longest wait of the ramp, the next one starts the ramp
anew.
"""
