"""docs/api.yaml against the code: neither knows a route, a code or a field that the other lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from app import app
from chalicelib.errors import (
    AppError,
    BrokerError,
    NotifyRejected,
    NotifyUnusable,
    QuotaExhausted,
)
from chalicelib.http import FRAMEWORK_ERRORS
from chalicelib.learning.catalogue import CatalogueQuery
from chalicelib.learning.course_table import ExpiresType, SortType, TableQuery
from chalicelib.learning.model import LearnStatus
from chalicelib.orders.model import (
    ClosingReason,
    OrderStatus,
    PayChannel,
    PayStatus,
    RefundKind,
    RefundStatus,
    SurplusReason,
    TradeType,
)
from chalicelib.orders.routes.refund_api import MAX_REASON_LENGTH
from chalicelib.paging import DEFAULT_PAGE_SIZE, MAX_PAGE, MAX_PAGE_SIZE
from chalicelib.purchasables import OrderType
from chalicelib.resources.shelf import MineQuery, ShelfQuery
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus
from tests.api_contract import document
from tests.unit.api.reading import (
    Operation,
    error_classes,
    examples,
    nodes,
    operations,
    refused_codes,
    resolved,
)

BAD_GATEWAY = 502

NEVER_IN_JSON = {
    NotifyRejected: "platforms read `fail`, a payer's browser gets a page",
    NotifyUnusable: "platforms read `fail`",
    BrokerError: "only relay and drains talk to the broker",
    QuotaExhausted: "only the job that pays back takes from the quota",
}


def routes() -> Iterator[tuple[Operation, Any]]:
    for path, by_method in app.routes.items():
        for method, route in by_method.items():
            yield (method, re.sub(r"_([a-z])", lambda m: m[1].upper(), path)), route


def test_the_document_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_the_document_and_the_app_have_the_same_routes() -> None:
    assert {operation for operation, _ in operations()} == {operation for operation, _ in routes()}


def test_the_token_is_required_exactly_where_the_gateway_asks_for_it() -> None:
    documented = {
        operation
        for operation, described in operations()
        if described["security"] == [{"bearer": []}]
    }
    guarded = {operation for operation, route in routes() if route.authorizer is not None}
    assert documented == guarded


def test_only_the_payment_result_takes_a_token_or_a_link() -> None:
    either = [
        operation
        for operation, described in operations()
        if len(described["security"]) > 1 and {"bearer": []} in described["security"]
    ]
    assert either == [("GET", "/orders/payresult")]


def test_what_the_gateway_may_refuse_is_documented_on_each_guarded_route() -> None:
    for operation, described in operations():
        guarded = described["security"] == [{"bearer": []}]
        assert ({"401", "403"} <= set(described["responses"])) is guarded, operation


def test_request_bodies_are_documented_with_the_content_types_of_their_routes() -> None:
    described = dict(operations())
    for operation, route in routes():
        body = described[operation].get("requestBody")
        if body is not None:
            assert list(body["content"]) == route.content_types, operation


def test_every_error_code_of_the_document_exists() -> None:
    known = {error.code for error in error_classes()}
    known |= {code for code, _ in FRAMEWORK_ERRORS.values()}
    assert set(document()["components"]["schemas"]["ErrCode"]["enum"]) <= known


def test_every_error_code_that_can_reach_a_browser_is_documented() -> None:
    codes = {error.code for error in error_classes() if error not in NEVER_IN_JSON}
    codes |= {code for code, _ in FRAMEWORK_ERRORS.values()}
    assert set(document()["components"]["schemas"]["ErrCode"]["enum"]) == codes


def test_every_error_code_is_explained_under_its_status() -> None:
    statuses: dict[str, set[int]] = {}
    for error in error_classes():
        statuses.setdefault(error.code, set()).add(error.http_status)
    for status, (code, _) in FRAMEWORK_ERRORS.items():
        statuses.setdefault(code, set()).add(status)
    schema = document()["components"]["schemas"]["ErrCode"]
    explained: dict[str, set[int]] = {}
    for line in schema["description"].splitlines():
        told = re.match(r"- ((?:`\w+`(?:, )?)+) \(([\d, ]+)\) \S", line)
        assert told is not None, line
        for code in re.findall(r"`(\w+)`", told[1]):
            explained[code] = {int(status) for status in told[2].split(",")}
    assert explained.keys() == set(schema["enum"])
    for code, told_statuses in explained.items():
        assert statuses[code] == told_statuses - {BAD_GATEWAY} or statuses[code] == told_statuses


def test_a_route_names_an_error_code_only_under_its_own_status() -> None:
    by_code = {error.code: error.http_status for error in error_classes()}
    by_code |= {code: status for status, (code, _) in FRAMEWORK_ERRORS.items()}
    named = list(refused_codes())
    assert len(named) > 50
    for operation, status, code in named:
        from_gateway = (status, code) == (BAD_GATEWAY, AppError.code)
        # a route whose errors are pages has one response in JSON for all that the gateway refuses
        alternatives = resolved(dict(operations())[operation]["responses"][str(status)])
        shared = len(alternatives["content"]) > 1
        assert by_code[code] == status or from_gateway or shared, (operation, status, code)


@pytest.mark.parametrize(
    ("schema", "codes"),
    [
        ("OrderType", OrderType),
        ("OrderStatus", OrderStatus),
        ("PayStatus", PayStatus),
        ("PayChannel", PayChannel),
        ("TradeType", TradeType),
        ("ClosingReason", [why for why in ClosingReason if why.closes_the_order]),
        ("SurplusReason", SurplusReason),
        ("RefundStatus", RefundStatus),
        ("RefundKind", RefundKind),
        ("Charge", Charge),
        ("ChooseType", ChooseType),
        ("ChooseStatus", ChooseStatus),
        ("LearnStatus", LearnStatus),
        ("PublishStatus", PublishStatus),
    ],
)
def test_the_codes_of_the_document_are_those_of_the_code_each_with_its_meaning(
    schema: str, codes: Iterable[StrEnum]
) -> None:
    described = document()["components"]["schemas"][schema]
    assert described["enum"] == [str(code.value) for code in codes]
    for code in codes:
        assert re.search(rf"`{code.value}` \S", described["description"]), code


def test_the_parameters_of_my_course_table_are_those_of_the_code() -> None:
    operation = dict(operations())["GET", "/learning/mycoursetable"]
    schemas = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    default = TableQuery()
    assert schemas["sortType"]["enum"] == [choice.value for choice in SortType]
    assert schemas["sortType"]["default"] == default.sort_type.value
    assert schemas["expiresType"]["enum"] == [choice.value for choice in ExpiresType]
    assert (schemas["page"]["minimum"], schemas["page"]["default"]) == (1, default.page)
    assert schemas["page"]["maximum"] == MAX_PAGE
    assert (schemas["size"]["maximum"], schemas["size"]["default"]) == (MAX_PAGE_SIZE, default.size)


def test_the_parameters_of_shelf_catalogue_and_my_materials_are_those_of_the_code() -> None:
    described = dict(operations())
    for path, default in (
        ("/learning/courses", CatalogueQuery()),
        ("/resources", ShelfQuery()),
        ("/resources/mine", MineQuery()),
    ):
        schemas = {p["name"]: p["schema"] for p in described["GET", path]["parameters"]}
        size = schemas["size"]
        assert (size["minimum"], size["maximum"], size["default"]) == (
            1,
            MAX_PAGE_SIZE,
            default.size,
        )
        if isinstance(default, MineQuery):
            page = schemas["page"]
            assert (page["maximum"], page["default"]) == (MAX_PAGE, default.page)
    for name in ("CoursePage", "MaterialPage", "MyMaterialPage"):
        assert document()["components"]["schemas"][name]["properties"]["items"]["maxItems"] == (
            MAX_PAGE_SIZE
        )


def test_the_limits_of_my_orders_and_of_refunds_are_those_of_the_code() -> None:
    operation = dict(operations())["GET", "/orders"]
    size = next(p["schema"] for p in operation["parameters"] if p["name"] == "size")
    assert (size["maximum"], size["default"]) == (MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE)
    schemas = document()["components"]["schemas"]
    assert schemas["OrderPage"]["properties"]["items"]["maxItems"] == MAX_PAGE_SIZE
    reason = schemas["RefundRequest"]["properties"]["reason"]
    assert reason["maxLength"] == MAX_REASON_LENGTH


def test_every_example_is_one_of_its_schema() -> None:
    registry = Registry().with_resource(
        "urn:api", Resource(contents=document(), specification=DRAFT202012)
    )
    checked = 0
    for pointer, value in examples():
        validator = OAS31Validator(
            {"$ref": f"urn:api#{pointer.replace('%', '%25')}"},
            registry=registry,
            format_checker=oas31_format_checker,
        )
        faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(value)]
        assert faults == [], pointer
        checked += 1
    assert checked > 30


def test_objects_are_closed_in_answers_and_open_in_requests() -> None:
    for name, schema in document()["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is name.endswith("Request"), name


def test_fields_are_required_in_the_order_in_which_they_come() -> None:
    for name, schema in document()["components"]["schemas"].items():
        if schema.get("type") == "object":
            listed = [field for field in schema["properties"] if field in schema["required"]]
            assert listed == schema["required"], name


def test_each_shared_part_is_used() -> None:
    used = {node["$ref"] for _, node in nodes(document()) if "$ref" in node}
    components = document()["components"]
    defined = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "parameters", "headers")
        for name in components[kind]
    }
    assert used == defined
