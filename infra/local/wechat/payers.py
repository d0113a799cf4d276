"""The people with a WeChat account, as the one app knows them: by openid."""

from __future__ import annotations

import re
import threading

from flask import Request

TEST_PAYER = "oTestPayerA0000000000000001x"
"""Who a browser is that does not say."""
OTHER_PAYER = "oTestPayerB0000000000000002x"
PAYER_PARAMETER = "_payer"
"""The query parameter and the cookie in which a browser says who it is."""

_OPENID = re.compile(r"o[0-9A-Za-z_-]{27}", re.ASCII)


class NotAnOpenid(ValueError):
    """What should be an openid has another form."""


class Payers:
    """Who exists. An openid that a browser brings along exists from then on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = {TEST_PAYER, OTHER_PAYER}

    def exists(self, openid: str) -> bool:
        """Whether the app has a user of that openid."""
        with self._lock:
            return openid in self._known

    def meet(self, openid: str) -> str:
        """Make ``openid`` known.

        Raises
        ------
        NotAnOpenid
            An openid is ``o`` and 27 letters, digits, ``_`` or ``-``.
        """
        if _OPENID.fullmatch(openid) is None:
            raise NotAnOpenid(f"not an openid: {openid!r}")
        with self._lock:
            self._known.add(openid)
        return openid

    def of(self, request: Request) -> str:
        """Who the browser is: its query parameter counts before its cookie."""
        named = request.args.get(PAYER_PARAMETER) or request.cookies.get(PAYER_PARAMETER)
        return self.meet(named) if named else TEST_PAYER
