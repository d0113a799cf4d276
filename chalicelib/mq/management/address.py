"""Where the management API is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from chalicelib.secrets import Secrets
from chalicelib.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Server:
    """A URL without its user, and the user."""

    url: str
    user: str
    password: str = field(repr=False)


class ManagementAddress:
    """The URL of the API's server with its user: the setting, else the secret."""

    def __init__(self, settings: Settings, secrets: Callable[[], Secrets]) -> None:
        self._settings = settings
        self._secrets = secrets

    def given(self) -> bool:
        """Whether the deployment names one."""
        return bool(self._url())

    def server(self) -> Server:
        """Where it is, and who we are there.

        Raises
        ------
        SettingsError
            The URL is missing or cannot be read; the text does not repeat it.
        """
        return _server(self._url())

    def _url(self) -> str:
        if self._settings.rabbitmq_management_url:
            return self._settings.rabbitmq_management_url
        try:
            return self._secrets().get("rabbitmq_management_url")
        except SettingsError:
            return ""

    def forget(self) -> bool:
        """Whether the URL may be another one when it is read again: it came from the secrets."""
        if self._settings.rabbitmq_management_url:
            return False
        self._secrets().forget()
        return True

    @property
    def ca_file(self) -> str:
        """Who may sign the server's certificate; empty for the usual ones."""
        return self._settings.rabbitmq_ca_file


def _server(url: str) -> Server:
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        raise SettingsError("RABBITMQ_MANAGEMENT_URL is not an HTTP URL") from None
    return Server(
        urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", "")),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
