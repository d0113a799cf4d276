"""What the views make of our records is what docs/api.yaml promises, field by field, in order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.errors import AppError
from chalicelib.http import error_body, error_response
from chalicelib.learning import render as learning_views
from chalicelib.learning.catalogue import CatalogueQuery
from chalicelib.learning.choose import ChooseStatus
from chalicelib.learning.course_table import TableQuery
from chalicelib.learning.grants import Granting
from chalicelib.money import Fen
from chalicelib.orders.pages.links import payment_url
from chalicelib.orders.pages.qr import qr_data_uri
from chalicelib.orders.results import Outcome
from chalicelib.orders.routes import render as order_views
from chalicelib.orders.service import Offer
from tests.api_contract import assert_documented, document
from tests.unit.api.reading import error_classes, refused_codes
from tests.unit.learning.builders import STUDENT, School, a_course, a_free_course, a_pay_result
from tests.unit.orders.shop import COURSE, Shop

NO_STORE = {"Cache-Control": "no-store"}


def documented(schema: str, method: str, path: str, body: dict[str, object]) -> dict[str, object]:
    """The body, once it is found to be documented and its fields to be in order."""
    assert_documented(method, path, 200, NO_STORE, json.dumps(body))
    order = list(document()["components"]["schemas"][schema]["properties"])
    assert list(body) == [field for field in order if field in body]
    return body


def pay_code(shop: Shop, offer: Offer) -> dict[str, object]:
    link = payment_url("https://pay.example.com", offer.record.pay_no, "k1.1.mac")
    body = order_views.pay_code(offer, qr_data_uri(link), link, shop.clock.now())
    return documented("PayCode", "POST", "/orders/generatepaycode", body)


def pay_result(shop: Shop, offer: Offer) -> dict[str, object]:
    outcome = Outcome(shop.order_of(offer), shop.record_of(offer))
    payer = order_views.pay_result_for_payer(outcome)
    documented("PayResultForPayer", "GET", "/orders/payresult", payer)
    assert "userId" not in payer
    body = order_views.pay_result(outcome, shop.clock.now())
    return documented("PayResult", "GET", "/orders/payresult", body)


def learn_status(school: School, schema: str) -> dict[str, object]:
    body = learning_views.learn_status(school.service.learn_status(STUDENT, "1002"))
    return documented(schema, "GET", "/learning/choosecourse/learnstatus/1002", body)


def buy(school: School) -> None:
    chosen = school.choose()
    paid = a_pay_result(chosen.record.choose_course_id, paid_at=school.clock.now())
    Granting(school.store).grant(paid)


def test_a_pay_code_is_documented() -> None:
    shop = Shop()
    body = pay_code(shop, shop.offer())
    assert "previousPrice" not in body


def test_a_pay_code_after_a_change_of_price_tells_both_prices() -> None:
    shop = Shop()
    shop.offer()
    shop.goods.put(replace(COURSE, price_fen=Fen(1200)))
    body = pay_code(shop, shop.offer())
    assert (body["totalPrice"], body["previousPrice"], body["previousPriceFen"]) == (
        "12.00",
        "9.90",
        990,
    )


def test_the_result_of_an_order_is_documented_in_each_of_its_states() -> None:
    shop = Shop()
    offer = shop.offer()
    assert pay_result(shop, offer)["outPayChannel"] is None
    shop.open(offer.record.pay_no)
    assert pay_result(shop, offer)["outPayChannel"] == "603002"
    shop.notified(offer.record.pay_no, shop.paid())
    paid = pay_result(shop, offer)
    assert (paid["status"], paid["orderStatus"]) == ("601002", "600002")
    assert (paid["outPayNo"], paid["paidByPayNo"]) == ("T1", paid["payNo"])


@pytest.mark.parametrize("course", [a_free_course("1002"), a_course("1002")], ids=["free", "paid"])
def test_a_choose_course_record_is_documented(course) -> None:
    school = School(course)
    chosen = school.choose()
    body = learning_views.choose_course(chosen)
    documented("ChooseCourse", "POST", "/learning/choosecourse/1002", body)
    open_at_once = chosen.record.status is ChooseStatus.CHOSEN
    assert (body["validtimeEnd"] is not None) is open_at_once


def test_the_learn_status_is_documented_before_during_and_after_the_time() -> None:
    school = School(a_course("1002"))
    assert learn_status(school, "NoCourseRow")["learnStatus"] == "702002"
    buy(school)
    assert learn_status(school, "CourseRow")["learnStatus"] == "702001"
    school.clock.advance(days=366)
    assert learn_status(school, "CourseRow")["learnStatus"] == "702003"


def test_a_noted_time_of_learning_is_documented() -> None:
    school = School(a_course("1002"))
    buy(school)
    body = learning_views.learn_status(school.service.record_learning(STUDENT, "1002"))
    documented("CourseRow", "POST", "/learning/learnrecord/1002", body)


def test_my_course_table_is_documented_full_and_empty() -> None:
    school = School(a_course("1002"))

    def page() -> dict[str, object]:
        body = learning_views.course_table(school.service.course_table(STUDENT, TableQuery()))
        return documented("CourseTablePage", "GET", "/learning/mycoursetable", body)

    assert page()["items"] == []
    buy(school)
    (row,) = page()["items"]
    order = list(document()["components"]["schemas"]["CourseRow"]["properties"])
    assert list(row) == order


def test_the_catalogue_is_documented_before_during_and_after_the_time() -> None:
    school = School(a_course("1002"), a_free_course("1001"), a_course("1003", price_fen=None))

    def shown() -> dict[str, object]:
        page = school.service.catalogue(STUDENT, CatalogueQuery(size=2))
        listed = documented(
            "CoursePage", "GET", "/learning/courses", learning_views.catalogue(page)
        )
        one = learning_views.course(school.service.course(STUDENT, "1002"))
        assert one in listed["items"]
        return documented("ShownCourse", "GET", "/learning/courses/1002", one)

    assert shown()["learnStatus"] == "702002"
    buy(school)
    assert shown()["learnStatus"] == "702001"
    school.clock.advance(days=366)
    assert shown()["learnStatus"] == "702003"
    unpriced = learning_views.course(school.service.course(STUDENT, "1003"))
    assert documented("ShownCourse", "GET", "/learning/courses/1003", unpriced)["notForSale"]


def refusals() -> Iterator[tuple[str, str, type[AppError]]]:
    """Each ``errCode`` of our own that a route's answers in JSON are documented to have."""
    classes = {error.code: error for error in error_classes()}
    for (method, path), status, code in refused_codes():
        if method != "HEAD" and code in classes and classes[code].http_status == status:
            yield method, re.sub(r"\{\w+\}", "1002", path), classes[code]


@pytest.mark.parametrize(("method", "path", "error"), list(refusals()))
def test_a_refusal_is_documented(method: str, path: str, error: type[AppError]) -> None:
    answer = error_response(error(retry_after_seconds=10), "req-1")
    assert answer.body == error_body(error.code, error.default_message, "req-1")
    headers = {name: str(value) for name, value in answer.headers.items()}
    assert_documented(method, path, error.http_status, headers, json.dumps(answer.body))
