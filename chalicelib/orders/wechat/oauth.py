"""Learns who the payer inside WeChat is: OAuth of the official account, scope ``snsapi_base``.

It asks the payer nothing, and tells nothing but an openid.
https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.orders.http_client.exchange import NoAnswer, exchange
from chalicelib.settings import SettingsError

_ANSWER_LIMIT_BYTES = 16 * 1024
_STATE = re.compile(r"[0-9A-Za-z]{1,128}", re.ASCII)
_CODE = re.compile(r"[0-9A-Za-z_-]{1,512}", re.ASCII)
_OPENID = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
_NO_USE_OF_THE_CODE = frozenset({40029, 40163, 42003, 41008})
"""Not a code, used before, too old, none."""
_BUSY = frozenset({-1, 45009, 45011})


class CodeNotUsable(Exception):
    """The code tells nobody any more, or never did: send the browser through OAuth again.

    It happens to honest payers: a page that is reloaded, or gone back to, brings its code again.
    """


class WeChatOAuth:
    """The two steps of OAuth; safe to use from several threads."""

    def __init__(
        self,
        *,
        app_id: str,
        app_secret: str,
        authorize_url: str,
        token_url: str,
        redirect_uri: str,
        timeout_seconds: float = 5.0,
    ) -> None:
        """No network.

        Parameters
        ----------
        app_id, app_secret
            Of the official account that the merchant is bound to.
        redirect_uri
            Ours, below the account's 网页授权域名.
        timeout_seconds
            The longest wait for one answer, connecting included.

        Raises
        ------
        SettingsError
            ``app_secret`` is empty.
        """
        if not app_secret:
            raise SettingsError("wechat_app_secret is empty")
        self._app_id = app_id
        self._app_secret = app_secret
        self._authorize_url = authorize_url
        self._token_url = token_url
        self._redirect_uri = redirect_uri
        self._timeout_seconds = timeout_seconds

    def authorize_url(self, state: str) -> str:
        """Where to send a browser inside WeChat.

        It comes back to ``redirect_uri`` with a ``code`` and the same ``state``, of 1 to 128
        letters and digits. WeChat demands this order of parameters, and the fragment.
        """
        if _STATE.fullmatch(state) is None:
            raise ValueError("state is not 1 to 128 letters and digits")
        query = urlencode(
            {
                "appid": self._app_id,
                "redirect_uri": self._redirect_uri,
                "response_type": "code",
                "scope": "snsapi_base",
                "state": state,
            }
        )
        return f"{self._authorize_url}?{query}#wechat_redirect"

    def openid(self, code: str, deadline: Deadline) -> str:
        """Exchange the code of a browser that came back. It can be exchanged once.

        Whatever fails, neither the code nor the secret nor an openid is in the error.

        Raises
        ------
        CodeNotUsable
            Used before, too old, or never given out.
        ChannelUnavailable
            There is no usable answer; the code may be used up.
        ChannelRefused
            WeChat refuses us, not the code; ``detail`` has its number.
        """
        if _CODE.fullmatch(code) is None:
            raise CodeNotUsable
        answer = self._asked(code, deadline)
        number = answer.get("errcode", 0)
        if not isinstance(number, int):
            raise ChannelUnavailable(detail="errcode is no number")
        if number in _BUSY:
            raise ChannelUnavailable(detail=f"OAuth was answered with {number}")
        if number in _NO_USE_OF_THE_CODE:
            raise CodeNotUsable
        if number != 0:
            raise ChannelRefused(detail=f"OAuth was refused with {number}")
        openid = answer.get("openid")
        if not isinstance(openid, str) or _OPENID.fullmatch(openid) is None:
            raise ChannelUnavailable(detail="the answer of OAuth has no openid")
        return openid

    def _asked(self, code: str, deadline: Deadline) -> dict[str, Any]:
        limit = Deadline.after(deadline.cut(self._timeout_seconds))
        if limit.passed():
            raise ChannelUnavailable(detail="no time left to ask WeChat")
        query = urlencode(
            {
                "appid": self._app_id,
                "secret": self._app_secret,
                "code": code,
                "grant_type": "authorization_code",
            }
        )
        try:
            answer = exchange(
                "GET",
                f"{self._token_url}?{query}",
                headers={"Accept": "application/json"},
                body=None,
                limit=limit,
                most_bytes=_ANSWER_LIMIT_BYTES,
            )
        except NoAnswer as error:
            raise ChannelUnavailable(detail=f"OAuth: {error}") from None
        try:
            content = json.loads(answer.body) if answer.status == 200 else None
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise ChannelUnavailable(detail=f"OAuth: {answer.status} without a JSON object")
        return content
