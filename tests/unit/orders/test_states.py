"""Which state may follow which; and the page that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.orders.model import OrderStatus, PayStatus, RefundStatus
from chalicelib.orders.states import (
    ORDER_MOVES,
    PAY_MOVES,
    REFUND_MOVES,
    UndeclaredMove,
    check_move,
    move_order,
    move_pay,
)
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.codes import UndeclaredMove as UndeclaredChoice
from infra.docs.states import SECTIONS, Section, page
from tests.fakes.clock import START
from tests.unit.learning.builders import a_pending_record
from tests.unit.orders.refunding import a_paid_order, a_paid_record

ROOT = Path(__file__).parents[3]


def test_the_page_is_what_the_code_says() -> None:
    on_disk = (ROOT / "docs" / "states.md").read_text("utf-8")
    assert on_disk == page(), "python -m infra.docs.states > docs/states.md"


def test_the_page_names_each_state_that_a_move_knows() -> None:
    for section in SECTIONS:
        assert {s for move in section.moves for s in (move.start, move.to)} == set(section.names)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_no_move_is_listed_twice(section: Section) -> None:
    steps = [(move.start, move.to) for move in section.moves]
    assert len(steps) == len(set(steps))
    assert all(start is not to for start, to in steps)


def test_a_refund_that_is_done_or_released_stays_so() -> None:
    ends = (RefundStatus.DONE, RefundStatus.RELEASED)
    assert not [move for move in REFUND_MOVES if move.start in ends]


def test_nothing_turns_unpaid_again() -> None:
    assert OrderStatus.UNPAID not in {move.to for move in ORDER_MOVES}
    assert PayStatus.UNPAID not in {move.to for move in PAY_MOVES}


def test_a_paid_order_is_never_closed() -> None:
    with pytest.raises(UndeclaredMove, match="PAID to CLOSED"):
        move_order(a_paid_order(), OrderStatus.CLOSED)


def test_a_refunded_payment_is_never_paid_again() -> None:
    with pytest.raises(UndeclaredMove, match="REFUNDED to PAID"):
        move_pay(a_paid_record(status=PayStatus.REFUNDED), PayStatus.PAID)


def test_a_refunded_record_is_never_chosen_again() -> None:
    refunded = a_pending_record().refunded()
    with pytest.raises(UndeclaredChoice, match="REFUNDED to CHOSEN"):
        refunded.chosen(START, 365)
    assert refunded.paid_after_refund(START, 365).status is ChooseStatus.REFUNDED


def test_staying_is_no_move() -> None:
    check_move(ORDER_MOVES, OrderStatus.REFUNDED, OrderStatus.REFUNDED, "1")
