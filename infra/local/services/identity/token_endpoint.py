"""``POST /token``: a form exchanges a code, as RFC 6749 has it; JSON orders a token of anybody."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from infra.local.services.identity.answers import as_json
from infra.local.services.identity.client import Client
from infra.local.services.identity.code_exchange import NotExchanged, exchanged
from infra.local.services.identity.codes import Codes
from infra.local.services.identity.issuer import Issuer
from infra.local.services.identity.tokens import TokenOrder

_FORM = "application/x-www-form-urlencoded"
_UNAUTHORIZED = 401


def token_endpoint(issuer: Issuer, client: Client, codes: Codes) -> Blueprint:
    """Errors have the shape of RFC 6749 §5.2; scripts of the client's origin may read answers."""
    routes = Blueprint("token_endpoint", __name__)

    @routes.post("/token")
    def token() -> Response:
        return _for_code() if request.mimetype == _FORM else _ordered()

    def _for_code() -> Response:
        authenticates = "Authorization" in request.headers
        try:
            held = exchanged(request.form, client, codes, authenticates=authenticates)
        except NotExchanged as refusal:
            return _refused(refusal)
        access_token = issuer.access_token(held.order)
        answer = _bearer(access_token, held.order)
        answer |= {"scope": held.scope, "id_token": issuer.id_token(held, access_token)}
        return as_json(answer, readable_by=client.origin)

    def _refused(refusal: NotExchanged) -> Response:
        body = {"error": refusal.error, "error_description": refusal.description}
        answer = as_json(body, refusal.status, readable_by=client.origin)
        if refusal.status == _UNAUTHORIZED:
            answer.headers["WWW-Authenticate"] = "Basic"  # a 401 names a scheme
        return answer

    def _ordered() -> Response:
        try:
            order = msgspec.json.decode(request.get_data(), type=TokenOrder)
        except msgspec.DecodeError as error:
            return as_json({"error": "invalid_request", "error_description": str(error)}, 400)
        return as_json(_bearer(issuer.access_token(order), order))

    return routes


def _bearer(access_token: str, order: TokenOrder) -> dict[str, object]:
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": order.ttl_seconds,
    }
