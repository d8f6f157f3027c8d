"""The tests of this folder may ask for a webhook."""

from servers.webhook import webhook

__all__ = ["webhook"]
