"""The codes of OAuth: each says once who the browser was, within five minutes.

https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.clock import Clock
from infra.local.wechat.envelope import nonce_of

LIFETIME = timedelta(minutes=5)


class CodeUsed(Exception):
    """The code was exchanged before."""


class CodeUnknown(Exception):
    """The code was never given out, or is too old."""


@dataclass(slots=True)
class _Code:
    openid: str
    made_at: datetime
    is_used: bool = False


class OAuthCodes:
    """The codes that were given out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: dict[str, _Code] = {}

    def make(self, openid: str) -> str:
        """A new code for the payer."""
        code = nonce_of(32)
        with self._lock:
            self._codes[code] = _Code(openid, self._clock.now())
        return code

    def exchange(self, code: str) -> str:
        """The openid behind a code; the code is used up.

        Raises
        ------
        CodeUsed, CodeUnknown
        """
        with self._lock:
            known = self._codes.get(code)
            if known is None or self._clock.now() > known.made_at + LIFETIME:
                raise CodeUnknown
            if known.is_used:
                raise CodeUsed
            known.is_used = True
            return known.openid
