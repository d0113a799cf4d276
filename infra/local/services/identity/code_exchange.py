"""An authorization code against tokens: the token request of RFC 6749 §4.1.3 with RFC 7636 §4.5."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from jwt.utils import base64url_encode
from werkzeug.datastructures import MultiDict

from infra.local.services.identity.client import Client
from infra.local.services.identity.codes import Authorization, Codes

_VERIFIER = re.compile(r"[0-9A-Za-z._~-]{43,128}", re.ASCII)


class NotExchanged(Exception):
    """The ``error`` of RFC 6749 §5.2, and the HTTP status that it is answered with."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        self.error = error
        self.description = description
        self.status = status
        super().__init__(f"{error}: {description}")


def exchanged(
    form: MultiDict[str, str], client: Client, codes: Codes, *, authenticates: bool
) -> Authorization:
    """What the code of a token request stands for; the code is used up, also by a wrong request.

    Parameters
    ----------
    authenticates
        Whether the request has an ``Authorization`` header: the client is public and has no
        secret.

    Raises
    ------
    NotExchanged
        A parameter is missing or comes twice, the client or the grant type is not served, or the
        code is not this request's.
    """
    for name in form:
        if len(form.getlist(name)) > 1:
            raise NotExchanged("invalid_request", f"{name} comes twice")
    if authenticates:
        raise NotExchanged("invalid_client", "the client has no secret", 401)
    grant_type = _required(form, "grant_type")
    if grant_type != "authorization_code":
        raise NotExchanged("unsupported_grant_type", "grant_type must be authorization_code")
    if _required(form, "client_id") != client.client_id:
        raise NotExchanged("invalid_client", "unknown client_id", 401)
    code, redirect_uri = _required(form, "code"), _required(form, "redirect_uri")
    verifier = _required(form, "code_verifier")
    authorization = codes.take(code)
    if authorization is None:
        raise NotExchanged("invalid_grant", "the code is unknown, used, or too old")
    if redirect_uri != authorization.redirect_uri:
        raise NotExchanged("invalid_grant", "not the redirect_uri that the code was sent to")
    if not _is_verified(verifier, authorization.code_challenge):
        raise NotExchanged("invalid_grant", "code_verifier is not that of the code_challenge")
    return authorization


def _required(form: MultiDict[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise NotExchanged("invalid_request", f"{name} is missing")
    return value


def _is_verified(verifier: str, challenge: str) -> bool:
    """RFC 7636 §4.6, for S256."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    made = base64url_encode(sha256(verifier.encode("ascii")).digest())
    return hmac.compare_digest(made, challenge.encode("ascii"))
