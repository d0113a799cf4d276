"""``choosecourse``: what cannot be chosen, and why."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.money import Fen
from chalicelib.selling.codes import PublishStatus
from tests.integration.api.client import assert_refused
from tests.integration.api.shop import Shop, new_id

NOT_FOR_SALE: dict[str, tuple[dict[str, Any], str]] = {
    "unpublished": ({"publish_status": PublishStatus.UNPUBLISHED}, "课程尚未发布"),
    "offline": ({"publish_status": PublishStatus.OFFLINE}, "课程已下线"),
    "without a charge": ({"charge": None}, "课程未设置收费规则"),
    "without a price": ({"price_fen": None}, "收费课程未设置价格"),
    "for nothing": ({"price_fen": Fen(0)}, "收费课程价格设置有误"),
    "for less than nothing": ({"price_fen": Fen(-1)}, "收费课程价格设置有误"),
    "without validDays": ({"valid_days": None}, "收费课程未设置有效期"),
    "for no days": ({"valid_days": 0}, "课程有效期设置有误"),
}


def test_i10_an_unknown_course_cannot_be_chosen(shop: Shop) -> None:
    student = shop.student()

    with shop.unchanged():
        answer = shop.choose(student, f"c{new_id()}")

    assert_refused(answer, 404, "NOT_FOUND", "课程不存在")


@pytest.mark.parametrize("course_id", ["%20", "a%23b", "%E8%AF%BE", "x" * 65, "..%2Fx", "%00"])
def test_i10_a_malformed_course_id_is_refused(shop: Shop, course_id: str) -> None:
    student = shop.student()

    with shop.unchanged():
        answer = shop.choose(student, course_id)

    assert answer.status in (400, 404)
    assert_refused(answer, answer.status, answer.json()["errCode"])


@pytest.mark.parametrize(("course", "says"), NOT_FOR_SALE.values(), ids=NOT_FOR_SALE)
def test_i10_a_course_that_is_not_for_sale_cannot_be_chosen(
    shop: Shop, course: dict[str, Any], says: str
) -> None:
    student, course_id = shop.student(), shop.course(**course)

    with shop.unchanged():
        answer = shop.choose(student, course_id)

    assert_refused(answer, 409, "NOT_FOR_SALE", says)


def test_a_course_that_is_paid_but_not_granted_is_being_opened(shop: Shop) -> None:
    purchase = shop.paid()

    with shop.unchanged():
        answer = shop.choose(purchase.student, purchase.goods_id)

    assert_refused(answer, 409, "GOODS_BEING_OPENED", "订单已支付，正在开通")


def test_a_course_that_is_owned_gives_its_record_back(shop: Shop) -> None:
    purchase = shop.granted()

    with shop.unchanged():
        chosen = shop.choose(purchase.student, purchase.goods_id).ok()

    assert (chosen["id"], chosen["learnStatus"]) == (purchase.record_id, "702001")


def test_i8_a_price_a_user_and_a_status_of_the_client_are_ignored(shop: Shop) -> None:
    student, course_id = shop.student(), shop.course()
    plain = shop.choose(student, course_id).ok()
    claimed = {
        "coursePrice": 0.01,
        "price": 0.01,
        "userId": shop.student().user_id,
        "status": "701001",
        "learnStatus": "702001",
        "orderType": "700001",
        "validDays": 9999,
    }
    path = f"/learning/choosecourse/{course_id}"

    with shop.unchanged():
        in_body = shop.client.post_json(path, claimed, student.token).ok()
        in_query = shop.client.send(
            "POST", path, query={k: str(v) for k, v in claimed.items()}, token=student.token
        ).ok()

    assert plain == in_body == in_query
    assert (plain["userId"], plain["coursePriceFen"]) == (student.user_id, 990)


def test_i8_the_first_choice_ignores_them_as_well(shop: Shop) -> None:
    honest, cunning, course_id = shop.student(), shop.student(), shop.course()
    claimed = {"coursePrice": "0.01", "userId": honest.user_id, "status": "701001"}

    plain = shop.choose(honest, course_id).ok()
    answer = shop.client.post_json(
        f"/learning/choosecourse/{course_id}", claimed, cunning.token
    ).ok()

    assert answer["userId"] == cunning.user_id
    assert _same_for_everybody(answer) == _same_for_everybody(plain)


def _same_for_everybody(chosen: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in chosen.items() if k not in {"id", "userId", "createDate"}}
