"""HTTP as every blueprint speaks it: bodies in, answers and errors out.

`Api.route` is the one place where an `AppError` becomes an HTTP answer, and
`in_our_error_shape` gives Chalice's own refusals (405, 415, ...) the same shape::

    {"errCode": "ORDER_ALREADY_PAID", "errMessage": "订单已支付，请勿重复支付", "requestId": "..."}
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from chalice.app import Blueprint, ChaliceViewError, CORSConfig, Request, Response

from chalicelib.deadline import Deadline, within
from chalicelib.errors import (
    AppError,
    Forbidden,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    Unauthenticated,
)
from chalicelib.observability import logger
from chalicelib.settings import settings

_T = TypeVar("_T")

MAX_BODY_BYTES = 64 * 1024
_SECONDS_A_REQUEST = 25  # API Gateway gives up after 29
_REPLACEMENT = "\ufffd"
_FIRST_ERROR_STATUS = 400
_CHALICE_SHAPE = frozenset({"Code", "Message"})
_MISSING_FIELD = re.compile(r"missing required field `([^`]+)`")
_FIELD_PATH = re.compile(r" - at `\$\.?([^`]+)`$")

FRAMEWORK_ERRORS: Mapping[int, tuple[str, str]] = {
    400: (InvalidRequest.code, InvalidRequest.default_message),
    401: (Unauthenticated.code, Unauthenticated.default_message),
    403: (Forbidden.code, Forbidden.default_message),
    404: (NotFound.code, NotFound.default_message),
    405: ("METHOD_NOT_ALLOWED", "不支持的请求方法"),
    413: (PayloadTooLarge.code, PayloadTooLarge.default_message),
    415: ("UNSUPPORTED_MEDIA_TYPE", "不支持的内容类型"),
    500: (AppError.code, AppError.default_message),
}
"""``errCode`` and ``errMessage`` of what Chalice refuses by itself, by HTTP status."""


def cors() -> CORSConfig:
    """What the H5 origin may do."""
    return CORSConfig(
        allow_origin=settings().h5_origin,
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        # a script of another origin reads no header that is not named here
        expose_headers=["Retry-After"],
        max_age=600,
    )


class Api(Blueprint):
    """A blueprint whose views may raise any `AppError`."""

    def route(
        self, path: str, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """As Chalice's own ``route``, with errors answered in our shape."""
        register = super().route(path, **options)

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(view)
            def answered(*args: Any, **kwargs: Any) -> Any:
                try:
                    with within(Deadline.after(_SECONDS_A_REQUEST)):
                        return view(*args, **kwargs)
                except AppError as error:
                    return error_response(error, request_id(self.current_request))
                except ChaliceViewError:
                    raise  # `in_our_error_shape` rewrites it, status and all
                except Exception:  # noqa: BLE001  the outermost frame of our code
                    logger.exception(
                        "unforeseen error", request_id=request_id(self.current_request)
                    )
                    return error_response(AppError(), request_id(self.current_request))

            register(answered)
            return answered

        return decorate


def for_one_user(body: Mapping[str, object]) -> Response:
    """An answer for its caller alone, which nobody in between may keep."""
    return Response(body, headers={"Cache-Control": "no-store"})


def request_id(request: Request | None) -> str:
    """The gateway's id of a request, which the log lines carry too; empty if it gave none."""
    return str(request.context.get("requestId", "")) if request is not None else ""


def error_response(error: AppError, for_request_id: str) -> Response:
    """The answer to a request that failed with ``error``."""
    logger.warning(
        "refused",
        code=error.code,
        detail=error.detail,
        status=error.http_status,
        request_id=for_request_id,
    )
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Response(
        body=error_body(error.code, error.message, for_request_id),
        status_code=error.http_status,
        headers=headers,
    )


def error_body(code: str, message: str, for_request_id: str) -> dict[str, str]:
    """The one shape of an error."""
    return {"errCode": code, "errMessage": message, "requestId": for_request_id}


def in_our_error_shape(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: rewrite what Chalice answers by itself, and what it lets through."""
    try:
        response = get_response(request)
    except Exception:  # noqa: BLE001  Chalice would answer for us, in a shape of its own
        logger.exception("unforeseen error")
        return error_response(AppError(), request_id(request))
    status, body = response.status_code, response.body
    if status >= _FIRST_ERROR_STATUS and isinstance(body, dict) and body.keys() == _CHALICE_SHAPE:
        last_resort = AppError if status >= AppError.http_status else InvalidRequest
        code, message = FRAMEWORK_ERRORS.get(
            status, (last_resort.code, last_resort.default_message)
        )
        response.body = error_body(code, message, request_id(request))
        response.headers["Cache-Control"] = "no-store"
    return response


def utf8_body(request: Request) -> bytes:
    """The raw body, if it is UTF-8 text of a decent size.

    API Gateway hands a body over as text and puts U+FFFD where it was not UTF-8, so that
    character is refused as well: the answer does not depend on who decoded. For the same reason
    the size is looked at last: U+FFFD is longer than the byte that it stands for.

    Raises
    ------
    InvalidRequest
        Not UTF-8.
    PayloadTooLarge
        More than 64 KiB.
    """
    try:
        raw: str | bytes = request.raw_body or b""
        body = raw.encode("utf-8") if isinstance(raw, str) else raw
        text = body.decode("utf-8")
    except UnicodeError as error:
        raise InvalidRequest("请求内容不是 UTF-8 编码", detail=str(error)) from error
    if _REPLACEMENT in text:
        raise InvalidRequest("请求内容不是 UTF-8 编码", detail="U+FFFD in the body")
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(detail=f"{len(body)} bytes")
    return body


def json_body(request: Request, shape: type[_T]) -> _T:
    """The body as ``shape``; unknown fields are ignored.

    Raises
    ------
    InvalidRequest
        Not JSON, nested too deep, a field is missing or of the wrong type; ``errMessage`` says
        which.
    """
    body = utf8_body(request)
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_what_is_wrong(str(error)), detail=str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest("请求内容不是有效的 JSON", detail=str(error)) from error


def _what_is_wrong(complaint: str) -> str:
    """What msgspec complains of, for the person in front of the page."""
    path = _FIELD_PATH.search(complaint)
    missing = _MISSING_FIELD.search(complaint)
    if missing is not None:
        return f"缺少参数 {path[1]}.{missing[1]}" if path else f"缺少参数 {missing[1]}"
    return f"参数 {path[1]} 有误" if path else "请求内容应为 JSON 对象"


def form_body(request: Request) -> dict[str, str]:
    """The fields of a form, each at most once.

    Raises
    ------
    InvalidRequest
        Not UTF-8, not a form, or a field comes twice.
    """
    text = utf8_body(request).decode("utf-8")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise InvalidRequest(detail=f"not a form: {error}") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidRequest(detail="a form field comes twice")
    return fields


def query_of(request: Request) -> dict[str, str]:
    """The query parameters, each at most once.

    Raises
    ------
    InvalidRequest
        A parameter comes twice.
    """
    parameters = request.query_params
    if parameters is None:
        return {}
    for name in parameters:
        if len(parameters.getlist(name)) > 1:
            raise InvalidRequest(f"参数 {name} 重复", detail=f"{name} comes twice")
    return dict(parameters)
