"""One signed call of WeChat Pay's APIv3: a verified answer, a clear refusal, or nothing to go by.

https://pay.weixin.qq.com/doc/v3/merchant/4012365336 (requests),
https://pay.weixin.qq.com/doc/v3/merchant/4013053249 (answers).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.orders.http_client.exchange import Answer, NoAnswer, exchange
from chalicelib.orders.wechat.sdk import NotSigned, WeChatSdk

_ANSWER_LIMIT_BYTES = 1024 * 1024
_CODE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_REQUEST_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_TROUBLE_OF_ITS_OWN = frozenset({"SYSTEM_ERROR", "BANK_ERROR"})
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class Reply:
    """A signed answer: 200 with a JSON object, or 204 with nothing."""

    status: int
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A clear no (4xx). WeChat's text stays out of it: it may quote the request."""

    status: int
    code: str
    request_id: str = ""

    @property
    def is_too_fast(self) -> bool:
        """Whether it is only about how often we ask."""
        return self.status == _TOO_MANY_REQUESTS

    def as_error(self) -> ChannelUnavailable | ChannelRefused:
        """For a caller that has no other word for it."""
        kind = ChannelUnavailable if self.is_too_fast else ChannelRefused
        return kind(detail=str(self))

    def __str__(self) -> str:
        return f"{self.status} {self.code}" + (f" of {self.request_id}" if self.request_id else "")


class WeChatGateway:
    """Asks one gateway as one merchant; safe to use from several threads."""

    def __init__(
        self,
        sdk: WeChatSdk,
        *,
        url: str,
        public_key_id: str,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        self._sdk = sdk
        self._url = url.rstrip("/")
        self._public_key_id = public_key_id
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    def get(self, target: str, deadline: Deadline) -> Reply | Refusal:
        """Ask ``target``: a path and a query, quoted.

        Waits ``timeout_seconds`` at most, and never beyond ``deadline``. Success counts only with
        WeChat's signature. A refusal may come without one, as WeChat's own SDK takes it
        (https://github.com/wechatpay-apiv3/wechatpay-go/blob/main/core/client.go); one that
        claims our key must have it.

        Raises
        ------
        ChannelUnavailable
            There is no answer that can be trusted, or WeChat is in trouble: the outcome is unknown.
        """
        return self._asked("GET", target, None, deadline)

    def post(self, target: str, body: str, deadline: Deadline) -> Reply | Refusal:
        """As `get`, with exactly ``body``."""
        return self._asked("POST", target, body, deadline)

    def is_here(self, url: str) -> bool:
        """Whether an address of WeChat is one to go to: HTTPS, or the gateway itself."""
        try:
            parts, own = urlsplit(url), urlsplit(self._url)
            if parts.username is not None or parts.fragment or not parts.hostname:
                return False
            return parts.scheme == "https" or (parts.scheme, parts.netloc) == (
                own.scheme,
                own.netloc,
            )
        except ValueError:
            return False

    def download(self, url: str, most_bytes: int, limit: Deadline) -> bytes:
        """A file that a signed answer named; files are not signed themselves.

        Raises
        ------
        ChannelUnavailable
            It cannot be had.
        """
        if not self.is_here(url):
            raise ChannelUnavailable(detail="the file is at another place")
        parts = urlsplit(url)
        origin, target = f"{parts.scheme}://{parts.netloc}", url.partition(parts.netloc)[2]
        answer = self._exchanged(origin, "GET", target, None, limit, most_bytes)
        if answer.status != 200:
            raise ChannelUnavailable(detail=f"the file was answered with {answer.status}")
        return answer.body

    def _asked(
        self, method: str, target: str, body: str | None, deadline: Deadline
    ) -> Reply | Refusal:
        limit = Deadline.after(deadline.cut(self._timeout_seconds))
        answer = self._exchanged(self._url, method, target, body, limit, _ANSWER_LIMIT_BYTES)
        is_success = answer.status in (200, 204)
        if is_success or self._sdk.claims_our_key(answer.headers):
            try:
                self._sdk.check_signed(answer.headers, answer.body, self._clock.now())
            except NotSigned as error:
                raise ChannelUnavailable(detail=f"{answer.status}: {error}") from None
        if answer.status == 204:
            return Reply(204, {})
        content = _object(answer)
        if is_success:
            return Reply(200, content)
        refusal = _refusal(answer, content)
        if not 400 <= answer.status < 500 or refusal.code in _TROUBLE_OF_ITS_OWN:
            raise ChannelUnavailable(detail=str(refusal))
        return refusal

    def _exchanged(
        self,
        origin: str,
        method: str,
        target: str,
        body: str | None,
        limit: Deadline,
        most_bytes: int,
    ) -> Answer:
        if limit.passed():
            raise ChannelUnavailable(detail="no time left to ask WeChat Pay")
        headers = {
            "Accept": "application/json",
            "Authorization": self._sdk.authorization(method, target, body or "", self._clock.now()),
            # with this WeChat signs with the key of that name, and not with an older certificate
            "Wechatpay-Serial": self._public_key_id,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return exchange(
                method,
                origin + target,
                headers=headers,
                body=body,
                limit=limit,
                most_bytes=most_bytes,
            )
        except NoAnswer as error:
            raise ChannelUnavailable(detail=str(error)) from None


def _object(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ChannelUnavailable(detail=f"{answer.status} without a JSON object")
    return content


def _refusal(answer: Answer, content: dict[str, Any]) -> Refusal:
    code, request_id = content.get("code"), answer.headers.get("request-id", "")
    if not isinstance(code, str) or _CODE.fullmatch(code) is None:
        raise ChannelUnavailable(detail=f"{answer.status} without a code")
    return Refusal(answer.status, code, request_id if _REQUEST_ID.fullmatch(request_id) else "")
