"""The gate as one Flask app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import flask
from flask import Flask, Response

from infra.local.s3.clock import MovableClock
from infra.local.s3.control import control
from infra.local.s3.engine import Engine
from infra.local.s3.permission import Permission
from infra.local.s3.refusal import Refusal
from infra.local.s3.request import Request
from infra.local.s3.verification import AccessKey, verify
from infra.local.services.web_server import WebServer

_ALL_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may come in where, and when it is."""

    key: AccessKey
    region: str
    permission: Permission
    clock: MovableClock = field(default_factory=MovableClock)


def create_app(gate: Gate, engine: Engine) -> Flask:
    """Each request is verified and permitted before the engine hears of it."""
    app = Flask(__name__)
    app.url_map.merge_slashes = False
    app.register_blueprint(control(gate.clock))

    @app.route("/", defaults={"path": ""}, methods=_ALL_METHODS, provide_automatic_options=False)
    @app.route("/<path:path>", methods=_ALL_METHODS, provide_automatic_options=False)
    def serve(path: str) -> Response:  # noqa: ARG001  the request has it as it came
        request = Request.of(flask.request)
        verify(request, gate.key, gate.region, gate.clock.now())
        gate.permission.check(request)
        return engine.answer(request)

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return refusal.answer()

    return app


def create_server(gate: Gate, engine_url: str, port: int = 0) -> WebServer:
    """A server of the gate on loopback; the bucket is made unless it is there.

    Raises
    ------
    RuntimeError
        The engine does not want the bucket.
    """
    engine = Engine(engine_url, gate.region)
    engine.make_bucket(gate.permission.bucket)
    return WebServer(create_app(gate, engine), port, on_stop=engine.close)


def access_key(env: Mapping[str, str]) -> AccessKey:
    """The key that the functions sign with, from the environment that they share with us.

    Raises
    ------
    KeyError
        There is none in it: a profile, for example, is not looked at.
    """
    return AccessKey(
        id=env["AWS_ACCESS_KEY_ID"],
        secret=env["AWS_SECRET_ACCESS_KEY"],
        token=env.get("AWS_SESSION_TOKEN", ""),
    )
