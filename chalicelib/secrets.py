"""Secrets: fetched on first use, kept in memory, never logged.

A deployment keeps them in one Secrets Manager secret, a JSON object of names and texts
(``SECRETS_ID``). The local stack keeps them as one file per name (``SECRETS_DIR``). The names:

``alipay_app_private_key``  our RSA key, PEM
``alipay_public_key``       Alipay's RSA key, PEM
``link_keys``               JSON object: key id -> 32 random bytes in hex; the last one signs
``jwt_shared_secret``       only with ``AUTH_MODE=shared-secret``
``rabbitmq_url``            unless ``RABBITMQ_URL`` is set
``rabbitmq_management_url`` unless ``RABBITMQ_MANAGEMENT_URL`` is set; may be missing
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from chalicelib.settings import Settings, SettingsError


class Secrets(Protocol):
    """Hands out the secrets of this deployment."""

    def get(self, name: str) -> str:
        """The text of one secret.

        Raises
        ------
        SettingsError
            There is none of that name; the message has the name only.
        """
        ...

    def forget(self) -> None:
        """Fetch again at the next use: the way to learn of a rotation."""
        ...


class FileSecrets:
    """One file per secret in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> str:
        """The file's text without surrounding white space."""
        try:
            return (self._folder / name).read_text("utf-8").strip()
        except OSError as error:
            raise SettingsError(f"no secret {name!r} in SECRETS_DIR") from error

    def forget(self) -> None:
        """Files are read at each use: nothing to forget."""


class FetchedSecrets:
    """All secrets from one fetch, which ``fetch`` does against Secrets Manager."""

    def __init__(self, fetch: Callable[[], Mapping[str, str]]) -> None:
        self._fetch = fetch
        self._values: Mapping[str, str] | None = None

    def get(self, name: str) -> str:
        """One value; the first call fetches them all."""
        if self._values is None:
            self._values = self._fetch()
        try:
            return self._values[name]
        except KeyError:
            raise SettingsError(f"no secret {name!r} in SECRETS_ID") from None

    def forget(self) -> None:
        """Drop what was fetched."""
        self._values = None


def secrets_for(settings: Settings) -> Secrets:
    """The source that the settings name.

    Raises
    ------
    SettingsError
        Neither ``SECRETS_ID`` nor ``SECRETS_DIR`` is set.
    """
    if settings.secrets_dir:
        return FileSecrets(Path(settings.secrets_dir))
    if settings.secrets_id:
        from chalicelib import aws

        return FetchedSecrets(lambda: aws.secret_values(settings.aws_region, settings.secrets_id))
    raise SettingsError("neither SECRETS_ID nor SECRETS_DIR is set")
