"""``topology plan``, ``apply``, ``check``, ``delete QUEUE``: exchanges and queues of the broker."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.ops.queue_removal import NotDeleted
from chalicelib.ops.topology import apply, check, show_plan

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]

_tell = partial(print, flush=True)


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("topology", help="exchanges and queues of the broker")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)

    planned = commands.add_parser("plan", help="what apply would do; changes nothing")
    planned.set_defaults(run=_plan)

    made = commands.add_parser("apply", help="make what is missing; refused if anything conflicts")
    made.set_defaults(run=_apply)

    checked = commands.add_parser("check", help="exit code 1 if anything differs; changes nothing")
    checked.set_defaults(run=_check)

    gone = commands.add_parser("delete", help="delete an empty queue of ours, to make it anew")
    gone.add_argument("queue", metavar="QUEUE")
    gone.set_defaults(run=_delete)


def _plan(_: argparse.Namespace) -> int:
    show_plan(wiring.topology_survey(), wiring.topology(), _tell)
    return 0


def _apply(_: argparse.Namespace) -> int:
    survey, builder = wiring.topology_survey(), wiring.topology_builder()
    return 0 if apply(survey, builder, wiring.topology(), _tell) else 1


def _check(_: argparse.Namespace) -> int:
    return 0 if check(wiring.topology_survey(), wiring.topology(), _tell) else 1


def _delete(chosen: argparse.Namespace) -> int:
    try:
        wiring.queue_removal().delete(chosen.queue, _tell)
    except NotDeleted as refusal:
        print(f"not deleted: {refusal}", file=sys.stderr)
        return 1
    return 0
