"""``outbox list``, ``outbox replay``: messages that no queue has yet."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.ops.outbox import dead_keys, replay, show

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]

_tell = partial(print, flush=True)


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("outbox", help="messages that no queue has yet")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)

    shown = commands.add_parser("list", help="what waits in the outbox; changes nothing")
    shown.add_argument("--dead", action="store_true", help="dead rows alone")
    shown.set_defaults(run=_list)

    again = commands.add_parser("replay", help="make rows due now, as if they were never refused")
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("event_keys", metavar="EVENT_KEY", nargs="*", default=[])
    which.add_argument("--dead", action="store_true", help="all dead rows")
    again.set_defaults(run=_replay)


def _list(chosen: argparse.Namespace) -> int:
    show(wiring.outbox(), wiring.clock().now(), _tell, dead_only=chosen.dead)
    return 0


def _replay(chosen: argparse.Namespace) -> int:
    outbox = wiring.outbox()
    keys = dead_keys(outbox) if chosen.dead else chosen.event_keys
    all_there = replay(outbox, keys, wiring.clock().now(), _tell)
    # one of the dead that is gone by now was replayed by somebody else
    return 0 if all_there or chosen.dead else 1
