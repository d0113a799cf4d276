"""``/authorize``: the page on which one chooses who one is, and the way back with a code."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from infra.local.services.identity.answers import page
from infra.local.services.identity.authorize import (
    Asked,
    NowhereToAnswer,
    Refused,
    ReturnAddress,
    read_request,
    return_address,
)
from infra.local.services.identity.client import Client
from infra.local.services.identity.codes import Authorization, Codes
from infra.local.services.identity.people import PEOPLE, person_in

_SEE_OTHER = 303
_BAD_REQUEST = 400


def sign_in(client: Client, codes: Codes, *, issuer: str) -> Blueprint:
    """The page, and what its buttons do.

    A browser that is sent back brings either ``code`` or ``error``, with ``state`` and ``iss``.
    """
    routes = Blueprint("sign_in", __name__)

    @routes.route("/authorize", methods=["GET", "POST"])
    def authorize() -> AnyResponse:
        try:
            address = return_address(request.args, client, issuer)
        except NowhereToAnswer as refusal:
            return page("refused.html", _BAD_REQUEST, message=str(refusal))
        try:
            asked = read_request(request.args)
            return _code(asked, address) if request.method == "POST" else _choice(asked)
        except Refused as refusal:
            answer = {"error": refusal.error, "error_description": refusal.description}
            return redirect(address.with_answer(**answer), _SEE_OTHER)

    def _code(asked: Asked, address: ReturnAddress) -> AnyResponse:
        if "cancel" in request.form:
            raise Refused("access_denied", "the user went back")
        person = person_in(request.form)
        if person is None:
            return _choice(asked)
        code = codes.give(
            Authorization(
                order=person,
                client_id=asked.client_id,
                redirect_uri=asked.redirect_uri,
                code_challenge=asked.code_challenge,
                scope=asked.scope,
                nonce=asked.nonce,
            )
        )
        return redirect(address.with_answer(code=code), _SEE_OTHER)

    def _choice(asked: Asked) -> AnyResponse:
        # browsers hold a form to the policy also where its answer redirects
        return page(
            "authorize.html", leads_to=client.origin, people=PEOPLE, user_id=asked.login_hint
        )

    return routes
