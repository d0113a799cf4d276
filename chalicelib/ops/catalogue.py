"""Import the course catalogue: the whole file or nothing of it.

A file is a JSON object with one list::

    {"courses": [{"id": "1002", "companyId": "22", "name": "支付接入实战", "charge": "201001",
                  "price": "1.00", "validDays": 365, "status": "203002"}]}

``charge``, ``price`` and ``validDays`` may be absent, as they are in the platform's catalogue.
Such a course is imported as it is; whether it can be chosen is decided when somebody chooses it
(`chalicelib.learning.offer`), and the report says which cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from chalicelib.errors import NotForSale
from chalicelib.learning.model import MAX_VALID_DAYS, Course
from chalicelib.learning.offer import offer_of
from chalicelib.learning.ports import LearningStore
from chalicelib.ops.import_file import GoodsEntry, ImportReport, checked, entries_of


class _File(msgspec.Struct, forbid_unknown_fields=True):
    courses: list[msgspec.Raw]


class _Entry(GoodsEntry, rename="camel", forbid_unknown_fields=True, kw_only=True):
    valid_days: Annotated[int, msgspec.Meta(ge=1, le=MAX_VALID_DAYS)] | None = None


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
    return checked(entries_of(text, _File).courses, _course)


def _course(raw: msgspec.Raw) -> tuple[str, Course]:
    entry = msgspec.json.decode(raw, type=_Entry)
    return entry.id, Course(
        course_id=entry.id,
        company_id=entry.company_id,
        name=entry.name,
        charge=entry.charge,
        price_fen=entry.price_fen(),
        valid_days=entry.valid_days,
        publish_status=entry.status,
    )


def _not_for_sale(courses: Sequence[Course]) -> Iterator[tuple[str, str]]:
    for course in courses:
        try:
            offer_of(course)
        except NotForSale as refusal:
            yield course.course_id, refusal.message
