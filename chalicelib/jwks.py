"""The token issuer's public keys, kept so that its outages and its key rotations do not hurt.

A key set is fetched when it is first needed and again once it is ten minutes old. If that fails,
the old keys go on working. A key id that is not in the set makes one more fetch, at most once a
minute: enough to learn of a rotation, and no way for a sender of made-up key ids to load the
issuer.

Source: https://www.rfc-editor.org/rfc/rfc7517
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt

from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.observability import logger

Fetch = Callable[[], Mapping[str, Any]]

ALGORITHM = "RS256"
FETCH_SECONDS = 2
_FRESH = timedelta(minutes=10)
_UNKNOWN_KEY_PAUSE = timedelta(minutes=1)
_FAILURE_PAUSE = timedelta(seconds=30)
_COLD_FAILURE_PAUSE = timedelta(seconds=2)


def http_fetch(url: str) -> Fetch:
    """Fetches a key set over HTTP(S), without following redirects, within two seconds.

    Raises
    ------
    jwt.PyJWKClientError
        ``url`` has another scheme.
    """
    client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS)
    return client.fetch_data


class KeySet:
    """The keys by key id; safe to share between threads, which wait for one fetch together."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._asked_for_unknown_at: datetime | None = None

    def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key of that id; None if the issuer has no such key.

        Raises
        ------
        Unavailable
            The keys that are known do not have it, and the issuer cannot be asked.
        """
        with self._lock:
            now = self._clock.now()
            if not _within(self._fetched_at, _FRESH, now):
                self._refresh(now)
            elif key_id not in self._keys and not _within(
                self._asked_for_unknown_at, _UNKNOWN_KEY_PAUSE, now
            ):
                self._asked_for_unknown_at = now
                self._refresh(now)
            found = self._keys.get(key_id)
            if found is None and self._failed_at is not None:
                raise Unavailable(detail="the key set cannot be fetched", retry_after_seconds=5)
            return found

    def _refresh(self, now: datetime) -> None:
        pause = _FAILURE_PAUSE if self._keys else _COLD_FAILURE_PAUSE
        if _within(self._failed_at, pause, now):
            return
        try:
            self._keys = _usable_keys(self._fetch())
        except (jwt.PyJWTError, OSError, ValueError, RecursionError) as error:
            logger.warning("the key set cannot be fetched", reason=repr(error))
            self._failed_at = now
        else:
            self._fetched_at = now
            self._failed_at = None


def _within(moment: datetime | None, span: timedelta, now: datetime) -> bool:
    """Whether ``moment`` lies less than ``span`` back; a clock that was set back says no."""
    return moment is not None and timedelta(0) <= now - moment < span


def _usable_keys(key_set: Mapping[str, Any]) -> Mapping[str, jwt.PyJWK]:
    keys = {
        key.key_id: key
        for key in jwt.PyJWKSet.from_dict(dict(key_set))
        if isinstance(key.key_id, str)
        and key.key_type == "RSA"
        and key.algorithm_name == ALGORITHM
        and key.public_key_use in (None, "sig")
    }
    if not keys:
        # An empty answer is a fault of the issuer, not a reason to log everybody out.
        raise jwt.PyJWKSetError(f"no key for {ALGORITHM}")
    return keys
