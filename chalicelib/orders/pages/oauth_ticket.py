"""The ticket of one way through WeChat's OAuth: which browser began it, and for which payment.

WeChat carries a ``state`` of at most 128 letters and digits through its OAuth
(https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html):
no room for what we sign. So the signed ticket waits in a cookie, the state is its nonce, and only
the browser that has the cookie can bring the state back. The cookie's value is
``<pay_no>.<restarts>.<nonce>.<signature of these three>``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from chalicelib.clock import Clock
from chalicelib.errors import InvalidLink
from chalicelib.orders.model import PayNo
from chalicelib.orders.pages.links import LinkSigner

COOKIE = "wechat_oauth"
LIFE = timedelta(minutes=10)

_NOT_THIS_BROWSER = "微信授权已失效，请返回商品页面重新扫码支付"
_FORM = re.compile(r"([0-9]{1,19})\.([0-9])\.([0-9a-f]{32})\.([A-Za-z0-9_.-]{1,128})", re.ASCII)


@dataclass(frozen=True, slots=True)
class OAuthTicket:
    """Begun for ``pay_no``, and begun again ``restarts`` times; ``state`` names this beginning."""

    pay_no: PayNo
    restarts: int
    state: str

    @property
    def subject(self) -> str:
        """What is signed."""
        return f"{self.pay_no}.{self.restarts}.{self.state}"


class OAuthTickets:
    """Hands tickets out as cookies, and knows its own again."""

    def __init__(self, links: LinkSigner, clock: Clock, base_url: str) -> None:
        self._links = links
        self._clock = clock
        base = urlsplit(base_url)
        # a deployment without a domain of its own lives below the name of its stage
        self._attributes = f"Path={base.path}/orders; HttpOnly; SameSite=Lax"
        if base.scheme == "https":
            self._attributes += "; Secure"

    def issue(self, pay_no: PayNo, restarts: int = 0) -> tuple[OAuthTicket, str]:
        """A new ticket, and the ``Set-Cookie`` that carries it."""
        ticket = OAuthTicket(pay_no, restarts, secrets.token_hex(16))
        sign = self._links.sign("oauth", ticket.subject, self._clock.now() + LIFE)
        life = int(LIFE.total_seconds())
        return ticket, f"{COOKIE}={ticket.subject}.{sign}; Max-Age={life}; {self._attributes}"

    def read(self, cookies: str, state: str) -> OAuthTicket:
        """The ticket among ``cookies`` (the header) that ``state`` belongs to.

        Raises
        ------
        InvalidLink
            None, not signed by us, expired, or begun by another browser.
        """
        # another path's cookie of the same name may stand beside ours
        for ticket, sign in _tickets(cookies):
            if ticket.state == state:
                self._links.check("oauth", ticket.subject, sign)
                return ticket
        raise InvalidLink(_NOT_THIS_BROWSER, detail="no ticket of this browser for this state")


def _tickets(cookies: str) -> Iterator[tuple[OAuthTicket, str]]:
    for name, _, value in (part.strip().partition("=") for part in cookies.split(";")):
        match = _FORM.fullmatch(value) if name == COOKIE else None
        if match is not None:
            pay_no, restarts, state, sign = match.groups()
            yield OAuthTicket(PayNo(pay_no), int(restarts), state), sign
