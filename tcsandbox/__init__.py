"""Both ends of a capture on loopback: a simulator of Twitter and a stand-in capture server."""
