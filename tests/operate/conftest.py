"""The tests of this folder may ask for a server that speaks AWS, and for a webhook."""

from servers.moto import moto
from servers.webhook import webhook

__all__ = ["moto", "webhook"]
