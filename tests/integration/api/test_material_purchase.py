"""A study material over HTTP, from the choice to the bytes of its file, and back."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

import pytest

from tests.integration.api.client import Answer, assert_refused
from tests.integration.api.material_counter import FILE_NAME, TITLE, Library
from tests.integration.api.my_orders import show
from tests.integration.api.shop import Purchase, Shop, Student


@pytest.fixture
def library(shop: Shop) -> Library:
    return Library(shop)


def assert_not_bought(answer: Answer) -> None:
    assert_refused(answer, 403, "FORBIDDEN", "您还没有购买该资料")


def assert_downloads(library: Library, student: Student, material_id: str) -> None:
    """The link leads to the very bytes, as an attachment with the catalogue's name."""
    told = library.download(student, material_id).ok()
    content = library.content_of(material_id)
    file = library.fetched(told["url"])
    assert (file.status_code, file.content) == (200, content)
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    assert (told["fileName"], told["sizeBytes"]) == (FILE_NAME, len(content))
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["content-disposition"].endswith(f"UTF-8''{quote(FILE_NAME)}")
    assert file.headers["content-type"] == told["mediaType"]


def test_a_free_material_is_downloaded_at_once(shop: Shop, library: Library) -> None:
    student, material_id = shop.student(), library.free_material()
    assert_not_bought(library.download(student, material_id))

    chosen = library.choose(student, material_id).ok()

    assert (chosen["chooseType"], chosen["status"], chosen["owned"]) == ("700001", "701001", True)
    assert (chosen["price"], chosen["priceFen"]) == ("0.00", 0)
    assert library.mine(student) == [material_id]
    assert_downloads(library, student, material_id)


def test_a_paid_material_is_downloaded_once_alipay_has_told_of_the_payment(
    shop: Shop, library: Library
) -> None:
    purchase = library.order()
    student, material_id = purchase.student, purchase.goods_id
    told = purchase.pay_code
    assert (told["orderName"], told["totalPrice"], told["totalPriceFen"]) == (TITLE, "9.90", 990)
    assert_not_bought(library.download(student, material_id))

    shop.open(purchase)
    assert shop.notify(purchase).text == "success"
    assert shop.result(purchase)["orderStatus"] == "600002"
    with shop.unchanged():
        assert_refused(library.choose(student, material_id), 409, "GOODS_BEING_OPENED")
        again = library.pay_code(student, purchase.record_id)
        assert_refused(again, 409, "GOODS_BEING_OPENED", "订单已支付，正在开通")
        assert_not_bought(library.download(student, material_id))

    library.grant(purchase)
    with shop.unchanged():
        chosen = library.choose(student, material_id).ok()
        again = library.pay_code(student, purchase.record_id)
        assert_downloads(library, student, material_id)
    assert (chosen["id"], chosen["status"], chosen["owned"]) == (purchase.record_id, "701001", True)
    assert_refused(again, 409, "ORDER_ALREADY_PAID", "订单已支付，请勿重复支付")
    assert library.mine(student) == [material_id]


def test_the_order_of_a_material_says_that_it_is_for_ever(library: Library, shop: Shop) -> None:
    purchase = library.paid()

    order = show(shop, purchase)

    assert (order["orderType"], order["outBusinessId"]) == ("60202", purchase.record_id)
    (item,) = order["items"]
    assert (item["goodsId"], item["goodsType"]) == (purchase.goods_id, "60202")
    assert item["validDays"] is None
    (message,) = shop.messages_of(purchase)
    assert '"businessKey2":"60202"' in message["body"]["S"]
    assert '"validDays":null' in message["body"]["S"]


def test_the_cashier_page_shows_the_title_and_no_validity(shop: Shop, library: Library) -> None:
    purchase = library.order()

    page = shop.client.follow("GET", purchase.pay_code["payUrl"]).text

    assert TITLE in page
    assert "9.90" in page
    for untrue in ("有效期", "365", "None", "null", "课程"):
        assert untrue not in page


def bought_at_alipay(shop: Shop, library: Library) -> Purchase:
    """One that Alipay knows to be paid, so that it can pay it back."""
    purchase = library.order()
    shop.pay_at_alipay(purchase)
    assert shop.result(purchase)["orderStatus"] == "600002"
    return purchase


def test_a_refunded_material_is_downloaded_no_more_and_can_be_bought_again(
    shop: Shop, library: Library
) -> None:
    purchase = bought_at_alipay(shop, library)
    library.grant(purchase)
    assert_downloads(library, purchase.student, purchase.goods_id)

    library.refund(purchase)
    library.revoke(purchase)

    assert show(shop, purchase)["status"] == "600004"
    assert_not_bought(library.download(purchase.student, purchase.goods_id))
    assert library.mine(purchase.student) == []
    assert_refused(library.pay_code(purchase.student, purchase.record_id), 409, "NOT_FOR_SALE")
    again = library.choose(purchase.student, purchase.goods_id).ok()
    assert again["id"] != purchase.record_id
    assert (again["status"], again["owned"]) == ("701002", False)
    assert library.pay_code(purchase.student, again["id"]).status == 200


def test_i5_a_refund_that_is_heard_before_its_payment_opens_nothing(
    shop: Shop, library: Library
) -> None:
    purchase = bought_at_alipay(shop, library)
    library.refund(purchase)

    library.revoke(purchase)
    library.grant(purchase)
    library.grant(purchase)

    assert_not_bought(library.download(purchase.student, purchase.goods_id))


def test_a_material_and_a_course_of_one_student_do_not_touch_each_other(
    shop: Shop, library: Library
) -> None:
    student = shop.student()
    course, material = shop.order(student), library.order(student)
    for purchase in (course, material):
        shop.open(purchase)
        assert shop.notify(purchase).text == "success"

    shop.grant(course)
    assert_not_bought(library.download(student, material.goods_id))
    library.grant(material)

    assert shop.learn_status(course) == "702001"
    assert_downloads(library, student, material.goods_id)
