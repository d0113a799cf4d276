"""The simulator as one Flask app."""

from __future__ import annotations

from flask import Flask

from infra.local.alipay.bill_download import bills
from infra.local.alipay.cashier import cashier
from infra.local.alipay.control import control
from infra.local.alipay.gateway import gateway
from infra.local.alipay.platform import Platform
from infra.local.services.web_server import WebServer


def create_app(platform: Platform) -> Flask:
    """The gateway, the cashier pages, the bills and the control routes of ``platform``."""
    app = Flask(__name__)
    for blueprint in (gateway(platform), cashier(platform), bills(platform), control(platform)):
        app.register_blueprint(blueprint)
    return app


def create_server(platform: Platform, port: int = 0) -> WebServer:
    """A server of ``platform`` on loopback; the platform stops with it."""
    return WebServer(create_app(platform), port, on_stop=platform.stop)
