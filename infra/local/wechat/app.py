"""The simulator as one Flask app."""

from __future__ import annotations

from flask import Flask, Response, request

from infra.local.services.web_server import WebServer
from infra.local.wechat.api import api
from infra.local.wechat.bridge import bridge
from infra.local.wechat.cashier import cashier
from infra.local.wechat.control import control
from infra.local.wechat.h5 import h5
from infra.local.wechat.native import native
from infra.local.wechat.oauth import oauth
from infra.local.wechat.payers import PAYER_PARAMETER, NotAnOpenid
from infra.local.wechat.platform import Platform


def create_app(platform: Platform) -> Flask:
    """The API, OAuth, the payers' pages and the control routes of ``platform``."""
    app = Flask(__name__)
    for part in (api, oauth, bridge, h5, native, cashier, control):
        app.register_blueprint(part(platform))

    @app.after_request
    def remember_payer(response: Response) -> Response:
        """A browser that once said who it is stays that payer."""
        if PAYER_PARAMETER in request.args and response.status_code < 400:
            response.set_cookie(PAYER_PARAMETER, request.args[PAYER_PARAMETER], httponly=True)
        return response

    @app.errorhandler(NotAnOpenid)
    def nobody(error: NotAnOpenid) -> tuple[str, int]:
        return str(error), 400

    return app


def create_server(platform: Platform, port: int = 0) -> WebServer:
    """A server of ``platform`` on loopback; the platform stops with it."""
    return WebServer(create_app(platform), port, on_stop=platform.stop)
