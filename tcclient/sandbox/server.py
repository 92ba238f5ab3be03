"""Runs `python -m tcclient.sandbox.server`, as in release 1.0.0, and says what it is called now."""

from tcclient.runtime.byname import start_moved

if __name__ == "__main__":
    start_moved("tcclient.sandbox.server", "tcsandbox.server")
