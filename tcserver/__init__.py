"""
The capture server: projects, captures and clients in a database, REST for clients, a website.

Runs in a process of its own, by `tcserver up`.  Whatever writes goes through the `services` of a
room, one act a module, which also write the history.
"""
