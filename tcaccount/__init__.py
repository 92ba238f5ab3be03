"""
The command tcc-account: what a capture's folder holds, and what is missing from it.

It only reads, so that it works beside a running client, and on a read-only disk.
"""
