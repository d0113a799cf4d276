"""The authorization request, and where its answer goes (RFC 6749 §4.1, with PKCE: RFC 7636).

As OpenID Connect has it (https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest):
``scope`` must have ``openid``, a ``nonce`` comes back in the ID token. PKCE with S256 is required
of everybody. The provider remembers nobody, so ``prompt=none`` is always ``login_required``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from werkzeug.datastructures import MultiDict

from infra.local.services.identity.client import Client

_CHALLENGE = re.compile(r"[0-9A-Za-z_-]{43}", re.ASCII)
_SCOPES = ("openid", "profile")
_NOT_SUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class NowhereToAnswer(Exception):
    """No client of ours, or an address that is not its own: said on a page, never sent there."""


class Refused(Exception):
    """What the client gets to know instead of a code: the ``error`` of RFC 6749 §4.1.2.1."""

    def __init__(self, error: str, description: str) -> None:
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnAddress:
    """Where an answer goes, and what goes with it."""

    redirect_uri: str
    state: str
    issuer: str

    def with_answer(self, **answer: str) -> str:
        """The address with the answer in its query; whose answer it is: RFC 9207."""
        state = {"state": self.state} if self.state else {}
        added = urlencode({**answer, **state, "iss": self.issuer})
        target = urlsplit(self.redirect_uri)
        query = f"{target.query}&{added}" if target.query else added
        return target._replace(query=query).geturl()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that can be answered with a code."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    scope: str
    """What is granted of what was asked."""
    nonce: str
    login_hint: str


def return_address(query: MultiDict[str, str], client: Client, issuer: str) -> ReturnAddress:
    """Where the answer to ``query`` goes, whatever it is.

    Raises
    ------
    NowhereToAnswer
        The text says why, to the person in front of the page.
    """
    if query.getlist("client_id") != [client.client_id]:
        raise NowhereToAnswer("未知的 client_id")
    redirect_uris = query.getlist("redirect_uri")
    if len(redirect_uris) != 1 or not client.may_be_sent_to(redirect_uris[0]):
        raise NowhereToAnswer("redirect_uri 不在允许的范围内")
    return ReturnAddress(redirect_uri=redirect_uris[0], state=query.get("state", ""), issuer=issuer)


def read_request(query: MultiDict[str, str]) -> Asked:
    """The request, once `return_address` knows where its answer goes.

    Raises
    ------
    Refused
        A parameter is missing, comes twice, or asks for what is not served.
    """
    for name in query:
        if len(query.getlist(name)) > 1:
            raise Refused("invalid_request", f"{name} comes twice")
    for name, error in _NOT_SUPPORTED.items():
        if name in query:
            raise Refused(error, f"{name} is not supported")
    _require_code_in_the_query(query)
    scopes = query.get("scope", "").split()
    if "openid" not in scopes:
        raise Refused("invalid_scope", "the scope must have openid")
    if query.get("code_challenge_method") != "S256":
        raise Refused("invalid_request", "PKCE is required: code_challenge_method=S256")
    if _CHALLENGE.fullmatch(query.get("code_challenge", "")) is None:
        raise Refused("invalid_request", "code_challenge must be the base64url of a SHA-256")
    if "none" in query.get("prompt", "").split():
        raise Refused("login_required", "nobody is signed in")
    return Asked(
        client_id=query["client_id"],
        redirect_uri=query["redirect_uri"],
        code_challenge=query["code_challenge"],
        scope=" ".join(scope for scope in _SCOPES if scope in scopes),
        nonce=query.get("nonce", ""),
        login_hint=query.get("login_hint", ""),
    )


def _require_code_in_the_query(query: MultiDict[str, str]) -> None:
    if not query.get("response_type"):
        raise Refused("invalid_request", "response_type is missing")
    if query["response_type"] != "code":
        raise Refused("unsupported_response_type", "response_type must be code")
    if query.get("response_mode", "query") != "query":
        raise Refused("invalid_request", "response_mode must be query")
