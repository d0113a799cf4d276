"""The tables of the learning centre, and the way between their items and the model."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.learning.model import ChooseCourse, Course, CourseRow, Grant
from chalicelib.money import Fen
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus

ON_SHELF = "published"
"""The one value of `CourseItem.shelf`; what is not published has none."""


class PublishedIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Published courses by id: sparse, and all of them in one partition.

    As with study materials, one is enough: it is written by an import alone, and read in pages of
    at most 50 entries of a few hundred bytes.
    """

    class Meta:
        index_name = "published"
        projection = AllProjection()

    shelf = UnicodeAttribute(hash_key=True)
    course_id = UnicodeAttribute(range_key=True)


class CourseItem(Model):
    """The catalogue, by course id."""

    class Meta:
        table_name = "courses"

    published = PublishedIndex()
    course_id = UnicodeAttribute(hash_key=True)
    shelf = UnicodeAttribute(null=True)
    company_id = UnicodeAttribute()
    name = UnicodeAttribute()
    charge = UnicodeAttribute(null=True)
    price_fen = NumberAttribute(null=True)
    valid_days = NumberAttribute(null=True)
    publish_status = UnicodeAttribute()


class ChooseCourseItem(Model):
    """Choose-course records, each under ``record#<id>``."""

    class Meta:
        table_name = "choose-courses"

    key = UnicodeAttribute(hash_key=True)
    choose_course_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    course_id = UnicodeAttribute()
    course_name = UnicodeAttribute()
    company_id = UnicodeAttribute()
    choose_type = UnicodeAttribute()
    price_fen = NumberAttribute()
    valid_days = NumberAttribute()
    status = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    paid_at = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()
    write_id = UnicodeAttribute()


class PendingItem(Model):
    """The guard ``pending#<user>#<course>`` in the same table: it names the pending record."""

    class Meta:
        table_name = "choose-courses"

    key = UnicodeAttribute(hash_key=True)
    choose_course_id = UnicodeAttribute()


class GrantMap(MapAttribute[str, Any]):
    """One grant inside a row of my course table."""

    choose_course_id = UnicodeAttribute()
    paid_at = UTCDateTimeAttribute()
    valid_days = NumberAttribute()
    choose_type = UnicodeAttribute()
    course_name = UnicodeAttribute()
    company_id = UnicodeAttribute()
    revoked = BooleanAttribute()


class CourseTableItem(Model):
    """My course table, by user and course."""

    class Meta:
        table_name = "course-tables"

    user_id = UnicodeAttribute(hash_key=True)
    course_id = UnicodeAttribute(range_key=True)
    grants: ListAttribute[GrantMap] = ListAttribute(of=GrantMap)
    learned_at = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()
    write_id = UnicodeAttribute()


def to_course(item: CourseItem) -> Course:
    """The catalogue entry that an item holds."""
    return Course(
        course_id=item.course_id,
        company_id=item.company_id,
        name=item.name,
        charge=Charge(item.charge) if item.charge is not None else None,
        price_fen=Fen(int(item.price_fen)) if item.price_fen is not None else None,
        valid_days=int(item.valid_days) if item.valid_days is not None else None,
        publish_status=PublishStatus(item.publish_status),
    )


def to_choose_course(item: ChooseCourseItem) -> ChooseCourse:
    """The choose-course record that an item holds."""
    return ChooseCourse(
        choose_course_id=item.choose_course_id,
        user_id=item.user_id,
        course_id=item.course_id,
        course_name=item.course_name,
        company_id=item.company_id,
        choose_type=ChooseType(item.choose_type),
        price_fen=Fen(int(item.price_fen)),
        valid_days=int(item.valid_days),
        status=ChooseStatus(item.status),
        created_at=item.created_at,
        paid_at=item.paid_at,
        version=int(item.version),
    )


def to_course_row(item: CourseTableItem) -> CourseRow:
    """The row of my course table that an item holds."""
    return CourseRow(
        user_id=item.user_id,
        course_id=item.course_id,
        grants=tuple(_to_grant(grant) for grant in item.grants),
        learned_at=item.learned_at,
        version=int(item.version),
    )


def to_map(grant: Grant) -> GrantMap:
    """A grant as an item holds it."""
    return GrantMap(  # type: ignore[no-untyped-call]  # pynamodb leaves it untyped
        choose_course_id=grant.choose_course_id,
        paid_at=grant.paid_at,
        valid_days=grant.valid_days,
        choose_type=grant.choose_type,
        course_name=grant.course_name,
        company_id=grant.company_id,
        revoked=grant.revoked,
    )


def _to_grant(grant: GrantMap) -> Grant:
    return Grant(
        choose_course_id=grant.choose_course_id,
        paid_at=grant.paid_at,
        valid_days=int(grant.valid_days),
        choose_type=ChooseType(grant.choose_type),
        course_name=grant.course_name,
        company_id=grant.company_id,
        revoked=bool(grant.revoked),
    )
