"""`python -m tcclient.sandbox.twitter`, as in release 1.0.0; it says where the module is now."""

from tcclient.runtime.byname import start_moved

if __name__ == "__main__":
    start_moved("tcclient.sandbox.twitter", "tcsandbox.twitter")
