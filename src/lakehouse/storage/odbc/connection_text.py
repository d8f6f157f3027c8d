"""An ODBC connection string: looked into, completed, and never shown."""

import re
from collections.abc import Mapping
from typing import Final

_PART = re.compile(r"\s*([^=;{}]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)\s*(?:;|$)")
_HOSTS: Final = ("server", "servername", "addr", "address", "host")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "(local)", "."})
_SHOWN_DRIVER = re.compile(r"[\w .()/+-]{1,80}")


class ConnectionText:
    """A connection string. Its `repr` and `str` say nothing of it.

    Keys are compared without case; of a repeated key the first counts, as the driver manager does it.
    """

    def __init__(self, text: str) -> None:
        self._text = text.strip().rstrip(";")
        self._parts: dict[str, str] = {}
        for found in _PART.finditer(self._text):
            key, value = found[1].lower(), found[2].strip()
            if value.startswith("{") and value.endswith("}"):
                value = value[1:-1].replace("}}", "}")
            self._parts.setdefault(key, value)

    def __repr__(self) -> str:
        return "ConnectionText(...)"

    def get(self, key: str) -> str | None:
        """The value of a key; None where the string does not say."""
        return self._parts.get(key.lower())

    @property
    def driver(self) -> str:
        """The driver or data source it names, for messages."""
        for key, word in (("driver", ""), ("dsn", "data source ")):
            name = self._parts.get(key)
            if name:
                return word + (name if _SHOWN_DRIVER.fullmatch(name) else "(unreadable name)")
        return "(none named)"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is this machine."""
        named = next((self._parts[key] for key in _HOSTS if key in self._parts), "")
        host = re.split(r"[,\\]", re.sub(r"(?i)^(tcp|np|lpc|admin):", "", named.strip()))[0].strip().lower()
        return host in _LOOPBACK

    def completed(self, defaults: Mapping[str, str]) -> str:
        """The whole string, with those defaults that it does not say itself."""
        missing = [f"{key}={value}" for key, value in defaults.items() if key.lower() not in self._parts]
        return ";".join([self._text, *missing])
