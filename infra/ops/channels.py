"""``channels check``, ``channels look PAY_NO``: the platforms, as they see us."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.ops.channels import check, look
from chalicelib.orders.model import PayNo

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("channels", help="the payment platforms")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)
    ask = commands.add_parser("check", help="whether each platform accepts us; moves no money")
    ask.set_defaults(run=_check)
    one = commands.add_parser("look", help="one attempt, as we and its platform have it")
    one.add_argument("pay_no", metavar="PAY_NO")
    one.set_defaults(run=_look)


def _check(_: argparse.Namespace) -> int:
    served = wiring.channels()
    if not served:
        print("no platform is configured: neither ALIPAY_APP_ID nor WECHAT_APP_ID is set")
        return 1
    unused = PayNo(wiring.numbers().next_number())
    bad = 0
    for finding in check(served, unused, wiring.clock().now()):
        bad += not finding.is_good
        mark = "✓" if finding.is_good else "✗"
        print(f"{mark} {finding.channel.name:<7} {finding.what:<18} {finding.found}")
    return 1 if bad else 0


def _look(chosen: argparse.Namespace) -> int:
    for line in look(wiring.channels(), wiring.order_store(), PayNo(chosen.pay_no)):
        print(line)
    return 0
