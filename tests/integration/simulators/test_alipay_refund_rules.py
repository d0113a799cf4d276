"""Whatever is ordered in whatever order, the books of a trade are right."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.money import Fen
from infra.local.alipay.refunds import RefundOrder, refunded
from infra.local.alipay.refusal import Refusal
from infra.local.alipay.trade import Offer, Trade, TradeStatus

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
PAID = Trade(
    offer=Offer(
        out_trade_no="1001",
        total_amount="0.10",
        subject="Java 编程思想",
        body=None,
        passback_params=None,
        time_expire=None,
        quit_url="",
        notify_url="",
        return_url="",
    ),
    trade_no="2026030122001000000000000001",
    status=TradeStatus.TRADE_SUCCESS,
    gmt_create=NOW,
    gmt_payment=NOW,
)
ORDERS = st.builds(
    RefundOrder,
    amount=st.integers(1, 12).map(Fen),
    out_request_no=st.sampled_from(["", "r1", "r2", "r3"]),
)


@given(st.lists(ORDERS, max_size=12))
def test_what_went_back_is_the_sum_of_what_moved_and_never_more_than_was_paid(
    orders: list[RefundOrder],
) -> None:
    trade, moved = PAID, 0
    for order in orders:
        try:
            done = refunded(trade, order, NOW)
        except Refusal:
            continue
        assert done.refund.amount == order.amount
        assert done.moved == (done.trade != trade)
        moved += order.amount if done.moved else 0
        trade = done.trade
        assert not refunded(trade, order, NOW).moved
    assert trade.refund_fee == moved <= trade.total
    assert (trade.status is TradeStatus.TRADE_CLOSED) == (moved == trade.total)
    numbers = [refund.out_request_no for refund in trade.refunds]
    assert len(numbers) == len(set(numbers))
