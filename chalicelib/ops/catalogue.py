"""Import the course catalogue: the whole file or nothing of it.

A file is a JSON object with one list::

    {"courses": [{"id": "1002", "companyId": "22", "name": "支付接入实战", "charge": "201001",
                  "price": "1.00", "validDays": 365, "status": "203002"}]}

``charge``, ``price`` and ``validDays`` may be absent, as they are in the platform's catalogue.
Such a course is imported as it is; whether it can be chosen is decided when somebody chooses it
(`chalicelib.learning.offer`), and the report says which cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from chalicelib.errors import NotForSale
from chalicelib.learning.model import MAX_VALID_DAYS, Course
from chalicelib.learning.offer import offer_of
from chalicelib.learning.ports import LearningStore
from chalicelib.money import Fen, yuan_text_to_fen
from chalicelib.selling.codes import Charge, PublishStatus

MAX_PRICE_FEN = Fen(100_000_000_00)
"""Alipay takes 0.01 to 100000000 yuan: https://opendocs.alipay.com/open/02ivbs (total_amount)."""


class CatalogueError(ValueError):
    """The file cannot be imported; ``problems`` has one English line for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was imported; ``not_for_sale`` tells by course id why it cannot be chosen now."""

    imported: int
    not_for_sale: Mapping[str, str] = field(default_factory=dict)


_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    courses: list[msgspec.Raw]


class _Entry(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z_-]{1,64}$")]
    company_id: _Text
    name: _Text
    status: PublishStatus
    charge: Charge | None = None
    price: str | None = None
    valid_days: Annotated[int, msgspec.Meta(ge=1, le=MAX_VALID_DAYS)] | None = None


class _Named(msgspec.Struct):
    id: object = None


def import_courses(text: bytes, store: LearningStore) -> ImportReport:
    """Check every course of a file, then store them all; repeating it is safe.

    Parameters
    ----------
    text : bytes
        The file, JSON in UTF-8.

    Raises
    ------
    CatalogueError
        Something in the file is wrong. Nothing was stored.
    Unavailable
        The database did not answer. Some courses may be stored; import the file again.
    """
    courses = parse_courses(text)
    for course in courses:
        store.put_course(course)
    return ImportReport(imported=len(courses), not_for_sale=dict(_not_for_sale(courses)))


def parse_courses(text: bytes) -> tuple[Course, ...]:
    """The courses of a file.

    Raises
    ------
    CatalogueError
        Something is wrong; each problem names the entry and the field.
    """
    try:
        entries = msgspec.json.decode(text, type=_File).courses
    except msgspec.DecodeError as error:
        raise CatalogueError([f"not a catalogue: {error}"]) from error
    courses: dict[str, Course] = {}
    problems: list[str] = []
    for number, raw in enumerate(entries, start=1):
        try:
            course = _course(raw)
        except ValueError as error:
            problems.append(f"{_label(number, raw)}: {error}")
            continue
        if course.course_id in courses:
            problems.append(f"{_label(number, raw)}: the id comes twice")
        courses[course.course_id] = course
    if problems:
        raise CatalogueError(problems)
    return tuple(courses.values())


def _course(raw: msgspec.Raw) -> Course:
    entry = msgspec.json.decode(raw, type=_Entry)
    return Course(
        course_id=entry.id,
        company_id=entry.company_id,
        name=entry.name,
        charge=entry.charge,
        price_fen=_price(entry.price) if entry.price is not None else None,
        valid_days=entry.valid_days,
        publish_status=entry.status,
    )


def _price(text: str) -> Fen:
    try:
        price = yuan_text_to_fen(text)
    except ValueError as error:
        raise ValueError(f"{error} - at `$.price`") from error
    if price > MAX_PRICE_FEN:
        raise ValueError(f"more than 100 million yuan: {text!r} - at `$.price`")
    return price


def _label(number: int, raw: msgspec.Raw) -> str:
    try:
        course_id = msgspec.json.decode(raw, type=_Named).id
    except msgspec.DecodeError:
        course_id = None
    return f"entry {number}" + (f" (id {course_id!r})" if course_id is not None else "")


def _not_for_sale(courses: Sequence[Course]) -> Iterator[tuple[str, str]]:
    for course in courses:
        try:
            offer_of(course)
        except NotForSale as refusal:
            yield course.course_id, refusal.message
