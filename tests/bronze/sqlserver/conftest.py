"""The tests of this folder may ask for a real PostgreSQL server."""

from servers.postgres import postgres

__all__ = ["postgres"]
