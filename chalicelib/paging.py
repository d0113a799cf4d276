"""Pages of a list: the same parameters, limits and kind of token wherever there is one."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from chalicelib.errors import InvalidRequest

DEFAULT_PAGE_SIZE = 10
MAX_PAGE_SIZE = 50
MAX_PAGE = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,7}", re.ASCII)

_Place = TypeVar("_Place", bound=msgspec.Struct)


def page_number(params: Mapping[str, str]) -> int:
    """The parameter ``page``, from 1; absent or empty it is the first.

    Raises
    ------
    InvalidRequest
        It is no number, or out of range; the message says which numbers it may be.
    """
    return _number(params, "page", default=1, maximum=MAX_PAGE)


def page_size(params: Mapping[str, str]) -> int:
    """The parameter ``size``: how many rows a page has; absent or empty it is the default.

    Raises
    ------
    InvalidRequest
        It is no number, or out of range; the message says which numbers it may be.
    """
    return _number(params, "size", default=DEFAULT_PAGE_SIZE, maximum=MAX_PAGE_SIZE)


def token_of(place: msgspec.Struct) -> str:
    """The token that says nothing to a reader and leads on from ``place``: base64url of JSON."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode("ascii").rstrip("=")


def place_in(token: str, form: type[_Place]) -> _Place:
    """The place that `token_of` made ``token`` of. Whoever can read one can write one.

    Raises
    ------
    InvalidRequest
        It holds no such place.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=form)
    except (binascii.Error, ValueError) as error:
        raise bad_token(str(error)) from error


def bad_token(why: str) -> InvalidRequest:
    """The refusal of a page token; ``why`` is for the log."""
    return InvalidRequest("参数 pageToken 有误", detail=f"pageToken: {why}")


def _number(params: Mapping[str, str], name: str, *, default: int, maximum: int) -> int:
    text = params.get(name, "")
    if not text:
        return default
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= number <= maximum:
        raise InvalidRequest(
            f"参数 {name} 应为 1 到 {maximum} 的整数", detail=f"{name}={text[:64]!r}"
        )
    return number
