"""The tests of this folder may ask for a server that speaks AWS."""

from servers.moto import moto

__all__ = ["moto"]
