"""Where the broker is, and how to speak to it."""

from __future__ import annotations

import ssl
from functools import cache

import pika

from chalicelib.secrets import Secrets
from chalicelib.settings import Settings, SettingsError

_SCHEMES = ("amqp://", "amqps://")  # pika takes http for amqp
_HEARTBEAT_SECONDS = 60
_TCP_CONNECT_SECONDS = 3
_HANDSHAKE_SECONDS = 6
_BLOCKED_SECONDS = 5


class BrokerAddress:
    """The URL of the broker: the setting, else the secret ``rabbitmq_url``."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    def forget(self) -> bool:
        """Whether the URL may be another one when it is read again: it came from the secrets."""
        if self._settings.rabbitmq_url:
            return False
        self._secrets.forget()
        return True

    def parameters(self, name: str) -> pika.URLParameters:
        """Connection parameters; ``name`` is what the broker's console shows.

        Raises
        ------
        SettingsError
            The URL or the CA file cannot be read; the text does not repeat the URL.
        """
        url = self._settings.rabbitmq_url or self._secrets.get("rabbitmq_url")
        try:
            if not url.startswith(_SCHEMES):
                raise ValueError(url)
            parameters = pika.URLParameters(url)
        except (ValueError, TypeError):
            raise SettingsError("RABBITMQ_URL is not an AMQP URL") from None
        if parameters.ssl_options is not None:
            context = _tls_context(self._settings.rabbitmq_ca_file)
            parameters.ssl_options = pika.SSLOptions(context, server_hostname=parameters.host)
        parameters.client_properties = {"connection_name": f"course-payments {name}"}
        # Without heartbeats a broker would keep the connections of containers that just vanished.
        parameters.heartbeat = _HEARTBEAT_SECONDS
        parameters.connection_attempts = 1
        parameters.socket_timeout = _TCP_CONNECT_SECONDS
        parameters.stack_timeout = _HANDSHAKE_SECONDS
        # A broker that is short of memory stops reading; it says so, and then we leave.
        parameters.blocked_connection_timeout = _BLOCKED_SECONDS
        return parameters


@cache
def _tls_context(ca_file: str) -> ssl.SSLContext:
    """Verifies certificate and host name; building one costs more than a connection does."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise SettingsError(f"RABBITMQ_CA_FILE cannot be read: {error!r}") from error
