"""docs/states.md, from the lists that the code checks its own steps against.

::

    python -m infra.docs.states > docs/states.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.orders.model import OrderStatus, PayStatus, RefundStatus
from chalicelib.orders.states import ORDER_MOVES, PAY_MOVES, REFUND_MOVES, Move
from chalicelib.selling.codes import CHOOSE_MOVES, ChooseStatus


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of thing that has states."""

    title: str
    text: str
    names: Mapping[StrEnum, str]
    """The states with their Chinese names."""
    beginnings: Sequence[StrEnum]
    moves: Sequence[Move[Any]]


SECTIONS = (
    Section(
        "Order (订单交易状态)",
        "600005 is read in filters and never written. A partial refund leaves 600002.",
        {
            OrderStatus.UNPAID: "未支付",
            OrderStatus.PAID: "已支付",
            OrderStatus.CLOSED: "已关闭",
            OrderStatus.REFUNDED: "已退款",
        },
        (OrderStatus.UNPAID,),
        ORDER_MOVES,
    ),
    Section(
        "Pay record (支付记录状态)",
        "One attempt to pay an order. A partial refund leaves 601002.",
        {
            PayStatus.UNPAID: "未支付",
            PayStatus.PAID: "已支付",
            PayStatus.REFUNDED: "已退款",
            PayStatus.CLOSED: "已关闭",
        },
        (PayStatus.UNPAID,),
        PAY_MOVES,
    ),
    Section(
        "Refund (退款状态)",
        "What is owed, sent or manual is the refund owed of I1. One that was made in the merchant "
        "portal begins as done.",
        {
            RefundStatus.AWAITING_APPROVAL: "待审批",
            RefundStatus.OWED: "待退款",
            RefundStatus.SENT: "退款中",
            RefundStatus.DONE: "已退款",
            RefundStatus.MANUAL: "待人工处理",
            RefundStatus.RELEASED: "已释放",
        },
        (RefundStatus.AWAITING_APPROVAL, RefundStatus.OWED, RefundStatus.DONE),
        REFUND_MOVES,
    ),
    Section(
        "Choose-course and choose-material record (选课状态)",
        "What is free begins as chosen.",
        {
            ChooseStatus.CHOSEN: "选课成功",
            ChooseStatus.AWAITING_PAYMENT: "待支付",
            ChooseStatus.REFUNDED: "已退款",
        },
        (ChooseStatus.AWAITING_PAYMENT, ChooseStatus.CHOSEN),
        tuple(Move(start, to, why) for start, to, why in CHOOSE_MOVES),
    ),
)


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# States"
    yield ""
    yield "Written by `python -m infra.docs.states`, from the lists by which the code refuses any"
    yield "other step: `chalicelib.orders.states` and `chalicelib.selling.codes`."
    for section in SECTIONS:
        yield from ("", f"## {section.title}", "", section.text, "")
        yield from _diagram(section)
        yield from ("", "| from | to | when |", "|---|---|---|")
        for move in section.moves:
            yield f"| {_named(section, move.start)} | {_named(section, move.to)} | {move.why} |"
    yield ""


def _diagram(section: Section) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state, name in section.names.items():
        label = name if state.value == state.name.lower() else f"{state.value} {name}"
        yield f'    state "{label}" as {state.name.lower()}'
    for state in section.beginnings:
        yield f"    [*] --> {state.name.lower()}"
    for move in section.moves:
        yield f"    {move.start.name.lower()} --> {move.to.name.lower()}: {move.why}"
    yield "```"


def _named(section: Section, state: StrEnum) -> str:
    return f"`{state.value}` {section.names[state]}"


if __name__ == "__main__":
    print(page(), end="")
