"""Runs `python -m tcclient.sandbox.twitter`, as in release 1.0.0, and says its name now."""

from tcclient.runtime.byname import start_moved

if __name__ == "__main__":
    start_moved("tcclient.sandbox.twitter", "tcsandbox.twitter")
