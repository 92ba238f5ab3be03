"""Django's backend for PostgreSQL, with a check of connections that asks nothing."""
