"""Which page of a list a query asks for: the same parameters and limits for every seller."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chalicelib.errors import InvalidRequest

DEFAULT_PAGE_SIZE = 10
MAX_PAGE_SIZE = 50
MAX_PAGE = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,7}", re.ASCII)


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


def _number(params: Mapping[str, str], name: str, *, default: int, maximum: int) -> int:
    text = params.get(name, "")
    if not text:
        return default
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= number <= maximum:
        raise InvalidRequest(f"参数 {name} 应为 1 到 {maximum} 的整数", detail=f"{name}={text!r}")
    return number
