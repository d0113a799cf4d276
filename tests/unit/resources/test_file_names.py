"""What a download is called, as those read it who follow the standard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from chalicelib.resources.files import attachment


def read(disposition: str) -> str:
    """The name, as a reader of RFC 6266 has it."""
    kind, options = parse_options_header(disposition)
    assert kind == "attachment"
    return options["filename"]


@pytest.mark.parametrize(
    "name",
    [
        "notes.pdf",
        "高等数学（上册）讲义.pdf",
        "第1讲 极限 & 连续; v2.zip",
        "50% off=yes, or 'no'.txt",
        "a+b~c*d.txt",
        '引号".pdf',
        "🎓.pdf",
    ],
)
def test_a_name_arrives_as_it_is(name: str) -> None:
    assert read(attachment(name)) == name


def test_who_cannot_read_it_all_gets_what_is_ascii() -> None:
    assert attachment("高数 notes (2).pdf").startswith('attachment; filename="__ notes (2).pdf"; ')


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd"])
def test_a_name_leads_to_no_other_folder(name: str) -> None:
    assert not {"/", "\\"} & set(read(attachment(name)))


@pytest.mark.parametrize("name", ["", " ", "\n", "\u200b"])
def test_a_name_that_nobody_sees_becomes_one(name: str) -> None:
    assert read(attachment(name)) == "download"


def test_a_name_cannot_hide_what_kind_of_file_it_is() -> None:
    assert read(attachment("讲义\u202efdp.exe")) == "讲义fdp.exe"


@given(st.text(alphabet=st.characters(), max_size=40))
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    disposition = attachment(name)

    assert disposition.isascii()
    assert disposition.isprintable()
    assert disposition.count('"') == 2
    assert "\\" not in disposition
    assert set(parse_options_header(disposition)[1]) == {"filename"}
