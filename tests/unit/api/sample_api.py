"""A small app on `chalicelib.http`, served by Chalice's own test client, and gateway events."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from chalice.app import Blueprint, Chalice, NotFoundError, Response
from chalice.test import Client

from chalicelib.errors import AppError, PaymentInProgress
from chalicelib.http import Api, cors, form_body, in_our_error_shape, json_body, query_of

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
SECRET = "postgres://root:hunter2@10.0.0.1"

GatewayAnswer = tuple[int, dict[str, str], Any]
"""Status, headers, body read as JSON."""


class Line(msgspec.Struct, rename="camel"):
    goods_id: str


class Wanted(msgspec.Struct, rename="camel"):
    order_type: str
    line: Line | None = None


def sample_app(raised: Exception | None = None) -> Chalice:
    """``GET /raises`` raises ``raised``; the other routes answer with what they have read."""
    app = Chalice(app_name="sample")
    app.register_middleware(in_our_error_shape, "http")
    api = Api(__name__)

    @api.route("/raises", cors=cors())
    def raises() -> None:
        raise raised or AppError

    @api.route("/json", methods=["POST"])
    def reads_json() -> Any:
        return {"orderType": json_body(api.current_request, Wanted).order_type}

    @api.route("/form", methods=["POST"], content_types=[FORM])
    def reads_form() -> Any:
        return form_body(api.current_request)

    @api.route("/query")
    def reads_query() -> Any:
        return query_of(api.current_request)

    @api.route("/code")
    def answers_code() -> Response:
        return Response({"Code": "A1", "Message": "mine"})

    plain = Blueprint(__name__)

    @plain.route("/plain")
    def of_chalice() -> None:
        raise raised or NotFoundError("no such thing")

    app.register_blueprint(api)
    app.register_blueprint(plain)
    return app


def asked(
    app: Chalice,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    content_type: str = JSON,
) -> GatewayAnswer:
    """What the app answers to bytes that nobody has touched."""
    headers = {"Content-Type": content_type} if body else {}
    answer = Client(app, project_dir="/nonexistent").http.request(
        method, path, headers=headers, body=body
    )
    return answer.status_code, dict(answer.headers), json.loads(answer.body)


def asked_by_gateway(
    app: Chalice,
    method: str,
    path: str,
    *,
    body: str | None = None,
    content_type: str = JSON,
    query: dict[str, list[str]] | None = None,
) -> GatewayAnswer:
    """What the app answers to an event of API Gateway, whose body is text."""
    event = {
        "headers": {"content-type": content_type},
        "multiValueQueryStringParameters": query,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"httpMethod": method, "resourcePath": path, "requestId": "req-1"},
        "body": body,
        "isBase64Encoded": False,
    }
    answer = app(event, None)
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


def asked_both_ways(
    app: Chalice, method: str, path: str, *, body: bytes, content_type: str = JSON
) -> tuple[int, str, str]:
    """Status, code and message of the one answer that both kinds of front get."""
    raw_status, _, raw = asked(app, method, path, body=body, content_type=content_type)
    text = body.decode("utf-8", "replace")
    status, _, seen = asked_by_gateway(app, method, path, body=text, content_type=content_type)
    assert (raw_status, raw["errCode"], raw["errMessage"]) == (
        status,
        seen["errCode"],
        seen["errMessage"],
    )
    return status, seen["errCode"], seen["errMessage"]


def in_progress(retry_after_seconds: int) -> PaymentInProgress:
    return PaymentInProgress(detail="not for clients", retry_after_seconds=retry_after_seconds)
