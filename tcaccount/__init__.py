"""
tcc-account: what a capture's folder holds, and what is missing from it.

It only reads: neither a client that is running nor a folder on a read-only disk is disturbed.
"""
