"""The tests of this folder may ask for a server that speaks S3."""

from servers.moto import moto

__all__ = ["moto"]
