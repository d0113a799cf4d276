"""A form body is read as it was sent, or not at all."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.orders.alipay.form import BadForm, strict_form

_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(_WORDS, _WORDS, min_size=1))
def test_every_form_is_read_back_as_it_was_written(fields: dict[str, str]) -> None:
    assert strict_form(urlencode(fields).encode()) == fields


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a=%E4%BD", "value is not UTF-8"),
        (b"%FF=a", "value is not UTF-8"),
        (b"a=\xe4\xbd", "body is not UTF-8"),
        (b"a=%zz", "escape"),
        (b"a=%4", "escape"),
        (b"a", "not a form"),
        (b"a=1&", "not a form"),
        (b"a=1&&b=2", "not a form"),
        (b"a=1&a=1", "twice"),
        (b"a=1&%61=2", "twice"),
        (b"&".join(b"f%d=1" % number for number in range(201)), "not a form"),
    ],
)
def test_what_would_need_mending_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadForm, match=reason):
        strict_form(body)
