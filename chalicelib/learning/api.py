"""The routes of the learning centre, below ``/learning``.

Each answer depends on the token, the path and the query alone: these routes never read a body,
so a price, a status or a user id in one changes nothing.
"""

from __future__ import annotations

from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.authorizer import caller, jwt_authorizer
from chalicelib.errors import InvalidRequest
from chalicelib.http import Api, cors, for_one_user, query_of
from chalicelib.learning import render
from chalicelib.learning.catalogue import parse_catalogue_query
from chalicelib.learning.course_table import parse_table_query
from chalicelib.selling.codes import is_plain_id

learning = Api(__name__)

_ANY_BODY = ["application/json", "application/x-www-form-urlencoded", "text/plain"]
"""What browsers and command lines name for a POST whose body does not matter."""


@learning.route("/courses", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def list_courses() -> Response:
    """Some of the published courses, and how far the caller is with each."""
    query = parse_catalogue_query(query_of(_request()))
    return for_one_user(render.catalogue(wiring.learning().catalogue(_user_id(), query)))


@learning.route("/courses/{course_id}", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def show_course(course_id: str) -> Response:
    """One course, and how far the caller is with it."""
    shown = wiring.learning().course(_user_id(), _course_id(course_id))
    return for_one_user(render.course(shown))


@learning.route(
    "/choosecourse/{course_id}",
    methods=["POST"],
    authorizer=jwt_authorizer,
    content_types=_ANY_BODY,
    cors=cors(),
)
def choose_course(course_id: str) -> Response:
    """Add a course: the choose-course record and the learn status."""
    chosen = wiring.learning().choose(_user_id(), _course_id(course_id))
    return for_one_user(render.choose_course(chosen))


@learning.route(
    "/choosecourse/learnstatus/{course_id}",
    methods=["GET", "POST"],
    authorizer=jwt_authorizer,
    content_types=_ANY_BODY,
    cors=cors(),
)
def learn_status(course_id: str) -> Response:
    """Whether the caller may learn the course."""
    found = wiring.learning().learn_status(_user_id(), _course_id(course_id))
    return for_one_user(render.learn_status(found))


@learning.route(
    "/learnrecord/{course_id}",
    methods=["POST"],
    authorizer=jwt_authorizer,
    content_types=_ANY_BODY,
    cors=cors(),
)
def record_learning(course_id: str) -> Response:
    """Note that the caller learns the course now."""
    noted = wiring.learning().record_learning(_user_id(), _course_id(course_id))
    return for_one_user(render.learn_status(noted))


@learning.route("/mycoursetable", authorizer=jwt_authorizer, cors=cors())
def my_course_table() -> Response:
    """One page of the caller's course table."""
    query = parse_table_query(query_of(_request()))
    return for_one_user(render.course_table(wiring.learning().course_table(_user_id(), query)))


def _request() -> Request:
    request = learning.current_request
    assert request is not None, "a view runs inside a request"
    return request


def _user_id() -> str:
    return caller(_request()).user_id


def _course_id(text: str) -> str:
    if not is_plain_id(text):
        raise InvalidRequest("课程编号无效", detail=f"course id {text[:80]!r}")
    return text
