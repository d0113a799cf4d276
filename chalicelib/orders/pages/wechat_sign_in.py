"""Who a payer inside WeChat is: through WeChat's OAuth and back, in the browser that began it.

The way there and the way back are fixed by our settings; nothing that a client sends decides where
a browser goes. The openid never leaves the server.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.deadline import Deadline
from chalicelib.orders.model import PayNo
from chalicelib.orders.pages.oauth_ticket import OAuthTicket, OAuthTickets

IsFirstUse = Callable[[str], bool]
"""Whether nobody came back with this state before."""

MOST_RESTARTS = 2
"""A code that cannot be used is asked for anew so often; then a person decides."""


class OAuth(Protocol):
    """`chalicelib.orders.wechat.oauth.WeChatOAuth`."""

    def authorize_url(self, state: str) -> str:
        """Where WeChat asks who the browser is, and sends it back with ``state`` and a code."""
        ...

    def openid(self, code: str, deadline: Deadline) -> str:
        """Who a code says that the payer is.

        Raises
        ------
        CodeNotUsable
            Used before, expired, or never given out.
        ChannelError
            There is no answer that can be trusted, or WeChat said no.
        """
        ...


@dataclass(frozen=True, slots=True)
class Departure:
    """Send the browser to ``location``, with the cookie ``set_cookie``."""

    location: str
    set_cookie: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """WeChat says who the payer is; for no log."""

    openid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """The payer said no, or WeChat gave no code that works."""


Arrival = SignedIn | Departure | NotSignedIn


class WeChatSignIn:
    """Begins the OAuth and ends it."""

    def __init__(self, oauth: OAuth, tickets: OAuthTickets, is_first_use: IsFirstUse) -> None:
        self._oauth = oauth
        self._tickets = tickets
        self._is_first_use = is_first_use

    def begin(self, pay_no: PayNo) -> Departure:
        """Send the browser to WeChat; it comes back for ``pay_no``."""
        return self._depart(pay_no, restarts=0)

    def ticket(self, cookies: str, state: str) -> OAuthTicket:
        """What the browser that came back with ``state`` began; asks nobody.

        Raises
        ------
        InvalidLink
            Another browser began it, nobody did, or it is too long ago.
        """
        return self._tickets.read(cookies, state)

    def arrive(self, ticket: OAuthTicket, code: str, deadline: Deadline) -> Arrival:
        """Exchange the code that came along; empty when the payer refused.

        A ticket asks WeChat once. A reloaded page brings it and its code a second time; then, and
        when the code cannot be used, the OAuth begins again under a new ticket, at most
        `MOST_RESTARTS` times.

        Raises
        ------
        ChannelError
            WeChat did not answer, or refused for another reason.
        """
        # the adapter loads what speaks HTTP; most requests of this app never need it
        from chalicelib.orders.wechat.oauth import CodeNotUsable

        if not code:
            return NotSignedIn()
        if self._is_first_use(ticket.state):
            with suppress(CodeNotUsable):
                return SignedIn(self._oauth.openid(code, deadline))
        if ticket.restarts >= MOST_RESTARTS:
            return NotSignedIn()
        return self._depart(ticket.pay_no, ticket.restarts + 1)

    def _depart(self, pay_no: PayNo, restarts: int) -> Departure:
        ticket, set_cookie = self._tickets.issue(pay_no, restarts)
        return Departure(self._oauth.authorize_url(ticket.state), set_cookie)
