"""The token that leads from one page of a catalogue to the next; it says nothing to a reader.

It is the last id of a page as base64url of JSON. A catalogue is the same for everybody, so a
token is nobody's own, and one that somebody wrote by hand leads to no more than any other.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from chalicelib.errors import InvalidRequest
from chalicelib.selling.codes import is_plain_id


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: str


def token_after(goods_id: str) -> str:
    """The token of the page that begins after ``goods_id``."""
    place = msgspec.json.encode(_Place(goods_id))
    return base64.urlsafe_b64encode(place).decode("ascii").rstrip("=")


def place_of(token: str) -> str:
    """The id after which the page of ``token`` begins; there may be no goods of that id.

    Raises
    ------
    InvalidRequest
        It is none of `token_after`.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=_Place)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("参数 pageToken 有误", detail=f"pageToken: {error}") from error
    if not is_plain_id(place.after):
        raise InvalidRequest("参数 pageToken 有误", detail="pageToken of no id")
    return place.after
