"""The identity provider as a Flask app."""

from __future__ import annotations

from flask import Flask, Response, render_template, request

from infra.local.services.identity.answers import as_json
from infra.local.services.identity.client import Client
from infra.local.services.identity.codes import Codes
from infra.local.services.identity.discovery import metadata
from infra.local.services.identity.issuer import Issuer
from infra.local.services.identity.keys import KeyRing
from infra.local.services.identity.people import roles_in
from infra.local.services.identity.sign_in import sign_in
from infra.local.services.identity.token_endpoint import token_endpoint
from infra.local.services.identity.tokens import TokenOrder


def create_app(
    keys: KeyRing,
    *,
    issuer: str,
    audience: str,
    client: Client | None = None,
    codes: Codes | None = None,
) -> Flask:
    """The identity provider; ``audience`` is the API's, ``client`` the H5."""
    app = Flask(__name__)
    issues = Issuer(keys=keys, url=issuer, audience=audience)
    h5, given = client or Client(), codes or Codes()
    app.register_blueprint(sign_in(h5, given, issuer=issuer))
    app.register_blueprint(token_endpoint(issues, h5, given))

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return as_json(metadata(issuer, request.host_url.rstrip("/")))

    @app.get("/.well-known/jwks.json")
    def jwks() -> Response:
        return as_json(keys.key_set())

    @app.get("/")
    def home() -> str:
        user_id = request.args.get("userId", "").strip()
        roles = request.args.get("roles", "")
        order = TokenOrder(user_id=user_id, roles=roles_in(roles))
        return render_template(
            "home.html",
            user_id=user_id or "1001",
            roles=roles,
            token=issues.access_token(order) if user_id else "",
        )

    @app.get("/result")
    def result() -> str:
        return render_template("result.html", pay_no=request.args.get("payNo", ""))

    @app.post("/_control/rotate")
    def rotate() -> Response:
        return as_json({"kid": keys.rotate()})

    return app
