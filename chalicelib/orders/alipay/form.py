"""The form body of an Alipay notification, read so that nothing is lost, guessed or mended.

A signature covers the fields as they were sent. Whatever a lenient parser would repair (a second
value of a name, a broken escape, bytes of another charset) is refused instead.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

_MAX_FIELDS = 200
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)


class BadForm(ValueError):
    """The body is not a form with one UTF-8 value per name; the text says why, without values."""


def strict_form(raw_body: bytes) -> dict[str, str]:
    """The fields of an ``application/x-www-form-urlencoded`` body, blank ones included.

    Blank values stay, because they belong to the signed text.

    Raises
    ------
    BadForm
        Not UTF-8, a broken escape, a part without ``=``, a name that comes twice, or more than
        200 fields.
    """
    try:
        text = raw_body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadForm("the body is not UTF-8") from error
    if _BROKEN_ESCAPE.search(text):
        raise BadForm("a broken percent escape")
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            strict_parsing=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise BadForm("a value is not UTF-8") from error
    except ValueError as error:
        raise BadForm("not a form") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadForm("a name comes twice")
    return fields
