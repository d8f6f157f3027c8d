"""Servers that the tests of storage talk to."""

from servers.moto import moto

__all__ = ["moto"]
