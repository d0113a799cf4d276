"""``refunds list``, ``refunds found``: what is on its way back, or came back without us."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.clock import to_beijing_text
from chalicelib.money import Fen, fen_to_yuan_text
from chalicelib.ops.refunds import found
from chalicelib.orders.model import PayNo
from chalicelib.orders.verdict import AlreadySettled, RefundSeen

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]

_AHEAD = timedelta(days=3650)
_MOST = 1000


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("refunds", help="money that goes back")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)
    show = commands.add_parser("list", help="refunds that are owed, sent or need a person")
    show.set_defaults(run=_list)
    portal = commands.add_parser(
        "found", help="a refund made in the merchant portal, by its number"
    )
    portal.add_argument("pay_no", metavar="PAY_NO")
    portal.add_argument("number", metavar="REFUND_NO", help="its number at the platform")
    portal.add_argument("fen", metavar="FEN", type=int, help="its amount")
    portal.set_defaults(run=_found)


def _found(chosen: argparse.Namespace) -> int:
    outcome = found(
        wiring.order_store(),
        wiring.channels(),
        wiring.refund_results(),
        PayNo(chosen.pay_no),
        chosen.number,
        Fen(chosen.fen),
    )
    print(f"{chosen.number}: {outcome!r}")
    return 0 if isinstance(outcome, RefundSeen | AlreadySettled) else 1


def _list(_: argparse.Namespace) -> int:
    store, now = wiring.order_store(), wiring.clock().now()
    numbers = store.due_refunds(now + _AHEAD, _MOST)
    for start in range(0, len(numbers), 100):
        for refund in store.refunds(numbers[start : start + 100]):
            due = to_beijing_text(refund.next_try_at) if refund.next_try_at else "-"
            amount = f"¥{fen_to_yuan_text(refund.amount_fen)}"
            tries = f"tries {refund.tries}, next {due}"
            print(refund.out_refund_no, refund.status, amount, tries, refund.last_answer or "")
    print(
        f"{len(numbers)} refunds are not finished"
        + (" (more are not shown)" * (len(numbers) == _MOST))
    )
    return 0
