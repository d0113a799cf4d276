"""``grants list``, ``grants audit ORDER_ID``: paid and not open, refunded and still open."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.ops.grants import told, unsettled
from chalicelib.orders.grant_audit import Step
from chalicelib.orders.model import OrderId

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("grants", help="goods that have not followed their orders")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)
    show = commands.add_parser("list", help="orders that an audit found without their goods")
    show.set_defaults(run=_list)
    one = commands.add_parser(
        "audit", help="ask about one order now, and put its message again if need be"
    )
    one.add_argument("order_id", metavar="ORDER_ID")
    one.set_defaults(run=_audit)


def _list(_: argparse.Namespace) -> int:
    for line in unsettled(wiring.order_store(), wiring.clock().now()):
        print(line)
    return 0


def _audit(chosen: argparse.Namespace) -> int:
    finding = wiring.grant_audit().audit(OrderId(chosen.order_id))
    for line in told(finding):
        print(line)
    return 1 if finding.step is Step.OVERTAKEN else 0
