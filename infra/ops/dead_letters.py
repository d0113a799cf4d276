"""``dead-letters list``, ``replay``, ``drop``: messages that could not be done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.mq.topology import Subscription
from chalicelib.ops.dead_letters import NotChosen, drop, replay, show

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]

# a letter that is dropped leaves no trace but these lines
_tell = partial(print, flush=True)


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("dead-letters", help="messages that could not be done")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)

    shown = commands.add_parser("list", help="what is in the dead queues; changes nothing")
    shown.set_defaults(run=_list)

    again = commands.add_parser("replay", help="send letters to their own work queue once more")
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("keys", metavar="KEY", nargs="*", default=[])
    which.add_argument("--all", action="store_true", help="all letters")
    again.set_defaults(run=_replay)

    gone = commands.add_parser("drop", help="remove letters for good; prints them first")
    gone.add_argument("keys", metavar="KEY", nargs="+")
    gone.add_argument("--reason", metavar="TEXT", required=True, help="why nobody needs them")
    gone.set_defaults(run=_drop)

    for command in (shown, again, gone):
        command.add_argument("--queue", metavar="QUEUE", help="one work queue; default: all")


def _list(chosen: argparse.Namespace) -> int:
    return _done(lambda among: show(wiring.dead_queues(), among, _tell), chosen)


def _replay(chosen: argparse.Namespace) -> int:
    keys = None if chosen.all else chosen.keys
    return _done(lambda among: replay(wiring.dead_queues(), among, keys, _tell), chosen)


def _drop(chosen: argparse.Namespace) -> int:
    keys, reason = chosen.keys, chosen.reason
    return _done(lambda among: drop(wiring.dead_queues(), among, keys, reason, _tell), chosen)


def _done(command: Callable[[Sequence[Subscription]], None], chosen: argparse.Namespace) -> int:
    everywhere = wiring.topology().subscriptions
    among = [s for s in everywhere if chosen.queue in (None, s.work_queue)]
    if not among:
        known = ", ".join(s.work_queue for s in everywhere)
        print(f"no work queue {chosen.queue}; there are {known}", file=sys.stderr)
        return 1
    try:
        command(among)
    except NotChosen as refusal:
        print(f"nothing was changed: {refusal}", file=sys.stderr)
        return 1
    return 0
