"""``refunds list``: what is on its way back, or waits for somebody."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.clock import to_beijing_text
from chalicelib.money import fen_to_yuan_text

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
