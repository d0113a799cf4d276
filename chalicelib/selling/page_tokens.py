"""The token that leads from one page of a catalogue to the next: the last id of a page.

A catalogue is the same for everybody, so a token is nobody's own, and one that somebody wrote by
hand leads to no more than any other.
"""

from __future__ import annotations

import msgspec

from chalicelib.paging import bad_token, place_in, token_of
from chalicelib.selling.codes import is_plain_id


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: str


def token_after(goods_id: str) -> str:
    """The token of the page that begins after ``goods_id``."""
    return token_of(_Place(goods_id))


def place_of(token: str) -> str:
    """The id after which the page of ``token`` begins; there may be no goods of that id.

    Raises
    ------
    InvalidRequest
        It is none of `token_after`.
    """
    place = place_in(token, _Place)
    if not is_plain_id(place.after):
        raise bad_token("of no id")
    return place.after
