"""The learning centre as the platform's frontends know it.

Known names keep their formats: camelCase, yuan as text, Beijing time, ids as text. A row that a
user does not have is shown with the same names, all null.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import to_beijing_text
from chalicelib.learning.catalogue import CataloguePage, ShownCourse
from chalicelib.learning.choose import Chosen
from chalicelib.learning.course_table import CourseTablePage
from chalicelib.learning.model import CourseRow
from chalicelib.learning.service import Learning
from chalicelib.money import fen_to_yuan_text

Json = dict[str, object]

_ROW_FIELDS = (
    "id",
    "chooseCourseId",
    "userId",
    "courseId",
    "companyId",
    "courseName",
    "courseType",
    "createDate",
    "validtimeStart",
    "validtimeEnd",
    "updateDate",
    "remarks",
    "learnDate",
)


def catalogue(page: CataloguePage) -> Json:
    """The answer of ``GET /learning/courses``."""
    return {"items": [course(item) for item in page.items], "nextPageToken": page.next_token}


def course(shown: ShownCourse) -> Json:
    """The answer of ``GET /learning/courses/{courseId}``, and one of the list.

    A price that the catalogue does not have is null. The validity is what choosing opens, for a
    course that cannot be chosen what the catalogue has.
    """
    entry, offer = shown.course, shown.offer
    price = entry.price_fen
    return {
        "courseId": entry.course_id,
        "courseName": entry.name,
        "companyId": entry.company_id,
        "charge": entry.charge,
        "price": fen_to_yuan_text(price) if price is not None else None,
        "priceFen": price,
        "validDays": offer.valid_days if offer is not None else entry.valid_days,
        "publishStatus": entry.publish_status,
        "notForSale": shown.not_for_sale,
        "learnStatus": shown.learn_status,
        "validtimeEnd": _date(shown.valid_to),
        "renewable": shown.renewable,
    }


def choose_course(chosen: Chosen) -> Json:
    """The answer of ``choosecourse``: the choose-course record and what the user may do now.

    The validity is what this record opens; null as long as it awaits payment.
    """
    record = chosen.record
    stretch = chosen.row.stretch_of(record.choose_course_id)
    return {
        "id": record.choose_course_id,
        "courseId": record.course_id,
        "courseName": record.course_name,
        "userId": record.user_id,
        "companyId": record.company_id,
        "orderType": record.choose_type,
        "createDate": to_beijing_text(record.created_at),
        "coursePrice": fen_to_yuan_text(record.price_fen),
        "coursePriceFen": record.price_fen,
        "validDays": record.valid_days,
        "status": record.status,
        "validtimeStart": _date(stretch.starts_at if stretch else None),
        "validtimeEnd": _date(stretch.ends_at if stretch else None),
        "remarks": None,
        "learnStatus": chosen.learn_status,
    }


def learn_status(learning: Learning) -> Json:
    """The answer of ``learnstatus`` and ``learnrecord``: the row, if there is one."""
    return {**_course_row(learning.row), "learnStatus": learning.learn_status}


def course_table(page: CourseTablePage) -> Json:
    """The answer of ``mycoursetable``."""
    return {
        "items": [
            {**_course_row(item.row), "learnStatus": item.learn_status} for item in page.items
        ],
        "counts": page.counts,
        "page": page.page,
        "pageSize": page.page_size,
    }


def _course_row(row: CourseRow | None) -> Json:
    newest = row.newest if row is not None else None
    if row is None or newest is None:
        return dict.fromkeys(_ROW_FIELDS)
    return {
        "id": f"{row.user_id}-{row.course_id}",
        "chooseCourseId": newest.choose_course_id,
        "userId": row.user_id,
        "courseId": row.course_id,
        "companyId": newest.company_id,
        "courseName": newest.course_name,
        "courseType": newest.choose_type,
        "createDate": _date(row.joined_at),
        "validtimeStart": _date(row.valid_from),
        "validtimeEnd": _date(row.valid_to),
        "updateDate": _date(newest.paid_at),
        "remarks": None,
        "learnDate": _date(row.learned_at),
    }


def _date(moment: datetime | None) -> str | None:
    return to_beijing_text(moment) if moment is not None else None
