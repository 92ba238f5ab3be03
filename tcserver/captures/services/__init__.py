"""
The acts on captures, one a module: nothing else writes their table.

Each reads what it changes under a lock, writes only the columns that it is about, and adds its
entry of history, in one transaction.
"""
