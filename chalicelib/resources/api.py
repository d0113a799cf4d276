"""The routes of the study materials, below ``/resources``.

Each answer depends on the token, the path and the query alone: these routes never read a body,
so a price, a status or a user id in one changes nothing.
"""

from __future__ import annotations

from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.authorizer import caller, jwt_authorizer
from chalicelib.errors import InvalidRequest
from chalicelib.http import Api, cors, for_one_user, query_of
from chalicelib.resources import render
from chalicelib.resources.shelf import parse_mine_query, parse_shelf_query
from chalicelib.selling.codes import is_plain_id

resources = Api(__name__)

_ANY_BODY = ["application/json", "application/x-www-form-urlencoded", "text/plain"]
"""What browsers and command lines name for a POST whose body does not matter."""


@resources.route(
    "/choose/{material_id}",
    methods=["POST"],
    authorizer=jwt_authorizer,
    content_types=_ANY_BODY,
    cors=cors(),
)
def choose_material(material_id: str) -> Response:
    """Get a material: the choose-material record, and whether the caller has it now."""
    chosen = wiring.material_choosing().choose(_user_id(), _material_id(material_id))
    return for_one_user(render.choose_material(chosen))


@resources.route("/", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def list_materials() -> Response:
    """Some of what is published, and which of it the caller has."""
    query = parse_shelf_query(query_of(_request()))
    return for_one_user(render.shelf(wiring.material_shelf().page(_user_id(), query)))


@resources.route("/mine", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def my_materials() -> Response:
    """One page of what the caller has."""
    query = parse_mine_query(query_of(_request()))
    return for_one_user(render.mine(wiring.material_shelf().mine(_user_id(), query)))


@resources.route("/{material_id}/download", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def download_material(material_id: str) -> Response:
    """A link to the file, for a few minutes; who has it can download, so it is in no log."""
    link = wiring.material_downloads().link(_user_id(), _material_id(material_id))
    return for_one_user(render.download(link))


def _request() -> Request:
    request = resources.current_request
    assert request is not None, "a view runs inside a request"
    return request


def _user_id() -> str:
    return caller(_request()).user_id


def _material_id(text: str) -> str:
    if not is_plain_id(text):
        raise InvalidRequest("资料编号无效", detail=f"material id {text[:80]!r}")
    return text
