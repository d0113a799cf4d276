"""What API Gateway does with a request before and after the app, on top of Chalice's local gateway.

The refusals of the gateway itself have the shape of ours, with the CORS header, as the gateway
responses that ``infra/aws`` configures:

====================================================  ======  =================
no route of this path and method                      404     NOT_FOUND
a route with an authorizer and no token               401     UNAUTHENTICATED
the authorizer raised ``Exception("Unauthorized")``   401     UNAUTHENTICATED
the authorizer's policy does not allow the route      403     FORBIDDEN
the authorizer failed otherwise                       500     INTERNAL_ERROR
a body of more than 10 MB                             413     PAYLOAD_TOO_LARGE
the app gave no usable answer                         502     INTERNAL_ERROR
====================================================  ======  =================

API Gateway knows no 405: a method that no route has is an unknown route. A body that is not UTF-8
reaches the app as text with U+FFFD, unless its content type is one of the app's binary types.

Left out: results of the authorizer are not cached, so each request calls it; a request that runs
longer than 29 s is answered all the same, but its context counts down from there.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalice.app import Chalice, ChaliceAuthorizer
from chalice.config import Config
from chalice.local import ForbiddenError, LocalChalice, LocalGateway, NotAuthorizedError

from chalicelib.errors import AppError, Forbidden, NotFound, PayloadTooLarge, Unauthenticated
from chalicelib.http import error_body
from infra.local.aws.lambda_runtime import InvocationContext

MAX_BODY_BYTES = 10 * 1024 * 1024
INTEGRATION_SECONDS = 29

_BAD_GATEWAY = 502
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What arrives; ``target`` is the path with its query, header names may have any case."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


class _RequestPerThread(LocalChalice):
    """An app that serves several requests at a time, each with its own request and context."""

    _context_of_thread = threading.local()

    @property
    def lambda_context(self) -> Any:
        return self._context_of_thread.value

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._context_of_thread.value = context


class _Refused(Exception):
    def __init__(self, error: AppError, status: int | None = None) -> None:
        self.error = error
        self.status = status or error.http_status


class ApiGateway(LocalGateway):
    """Answers requests with a Chalice app; safe to use from many threads.

    Parameters
    ----------
    h5_origin
        The origin that may read the gateway's own refusals.
    bodies_as_text
        False hands bodies over as the bytes they are, which API Gateway never does.
    """

    def __init__(
        self,
        app: Chalice,
        *,
        h5_origin: str,
        function_seconds: float = INTEGRATION_SECONDS,
        bodies_as_text: bool = True,
    ) -> None:
        if not isinstance(app, _RequestPerThread):
            app.__class__ = type("ServedChalice", (_RequestPerThread, type(app)), {})
        super().__init__(app, Config.create(chalice_app=app))
        self._h5_origin = h5_origin
        self._function_seconds = function_seconds
        self._bodies_as_text = bodies_as_text

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """The answer to ``request``; never raises."""
        request_id = str(uuid.uuid4())
        try:
            answer = self._answer(request, request_id)
        except _Refused as refused:
            return self._refusal(refused, request_id)
        headers = (*answer.headers, ("x-amzn-RequestId", request_id))
        return replace(answer, headers=headers)

    def refusal(self, error: AppError, status: int | None = None) -> HttpAnswer:
        """The gateway's answer to what cannot even be read as a request."""
        return self._refusal(_Refused(error, status), str(uuid.uuid4()))

    def _answer(self, request: HttpRequest, request_id: str) -> HttpAnswer:
        if len(request.body) > MAX_BODY_BYTES:
            raise _Refused(PayloadTooLarge(detail=f"{len(request.body)} bytes"))
        event = self._event(request, request_id)
        methods = self._app_object.routes[event["resource"]]
        if request.method == "OPTIONS" and "OPTIONS" not in methods:
            return HttpAnswer(200, tuple(self._autogen_options_headers(event).items()))
        if request.method not in methods:
            raise _Refused(NotFound(detail=f"no {request.method} there"))
        event = self._authorized(request, event, methods[request.method].authorizer)
        context = InvocationContext("api_handler", self._function_seconds)
        try:
            return _http_answer(self._app_object(event, context))
        except Exception as error:
            _log.exception("the app gave no usable answer")
            raise _Refused(AppError(), _BAD_GATEWAY) from error

    def _event(self, request: HttpRequest, request_id: str) -> dict[str, Any]:
        """The event of a proxy integration.

        https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
        """
        headers = {name.lower(): value for name, value in request.headers}
        try:
            event: dict[str, Any] = self.event_converter.create_lambda_event(
                request.method, request.target, headers, None
            )
        except ValueError as error:
            raise _Refused(NotFound(detail="no such path")) from error
        every_query = event["multiValueQueryStringParameters"]
        every_header: dict[str, list[str]] = {}
        for name, value in request.headers:
            every_header.setdefault(name.lower(), []).append(value)
        event["requestContext"] |= {"requestId": request_id, "protocol": "HTTP/1.1"}
        return event | {
            "resource": event["requestContext"]["resourcePath"],
            "path": event["requestContext"]["path"],
            "httpMethod": request.method,
            "multiValueHeaders": every_header,
            "queryStringParameters": every_query and {k: v[-1] for k, v in every_query.items()},
            **self._body(request.body, headers.get("content-type", "")),
        }

    def _body(self, body: bytes, content_type: str) -> dict[str, Any]:
        if not body:
            return {"body": None, "isBase64Encoded": False}
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type in self._app_object.api.binary_types:
            return {"body": base64.b64encode(body).decode("ascii"), "isBase64Encoded": True}
        text = body.decode("utf-8", errors="replace") if self._bodies_as_text else body
        return {"body": text, "isBase64Encoded": False}

    def _authorized(
        self, request: HttpRequest, event: dict[str, Any], authorizer: Any
    ) -> dict[str, Any]:
        """The event with what the authorizer knows of the caller, all of it as text."""
        if not isinstance(authorizer, ChaliceAuthorizer):
            return event
        if not event["headers"].get("authorization", "").strip():
            raise _Refused(Unauthenticated(detail="no token"))
        context: Any = InvocationContext(authorizer.name, self._function_seconds)
        try:
            event, _ = self._authorizer.authorize(request.target, event, context)
        except ForbiddenError as error:
            raise _Refused(Forbidden(detail="the policy does not allow it")) from error
        except NotAuthorizedError as error:
            raise _Refused(Unauthenticated()) from error
        except Exception as error:
            if str(error) == "Unauthorized":
                raise _Refused(Unauthenticated(detail="the authorizer said so")) from error
            _log.exception("the authorizer failed")
            raise _Refused(AppError()) from error
        known = event["requestContext"]["authorizer"]
        event["requestContext"]["authorizer"] = {k: _as_text(v) for k, v in known.items()}
        return event

    def _refusal(self, refused: _Refused, request_id: str) -> HttpAnswer:
        error = refused.error
        _log.info("refused: %s %s", error.code, error.detail)
        body = error_body(error.code, error.message, request_id)
        headers = (
            ("Content-Type", "application/json"),
            ("Access-Control-Allow-Origin", self._h5_origin),
            ("x-amzn-RequestId", request_id),
        )
        return HttpAnswer(
            refused.status, headers, json.dumps(body, ensure_ascii=False).encode("utf-8")
        )


def _as_text(value: Any) -> str:
    """A value of an authorizer's context as the function gets it."""
    return value if isinstance(value, str) else json.dumps(value)


def _http_answer(given: Mapping[str, Any]) -> HttpAnswer:
    """The answer that a function gave in the shape of a proxy integration."""
    headers = [(name, str(value)) for name, value in given["headers"].items()]
    for name, values in given["multiValueHeaders"].items():
        headers += [(name, str(value)) for value in values]
    if "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", "application/json"))
    body = given["body"] or ""
    if given.get("isBase64Encoded"):
        raw = base64.b64decode(body)
    else:
        raw = body if isinstance(body, bytes) else body.encode("utf-8")
    return HttpAnswer(int(given["statusCode"]), tuple(headers), raw)
