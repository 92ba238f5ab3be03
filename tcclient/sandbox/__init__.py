"""Where the sandbox was in release 1.0.0: `python -m tcclient.sandbox.twitter` goes on working."""
