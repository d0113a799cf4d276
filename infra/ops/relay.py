"""``relay pause``, ``resume``, ``status``: whether messages are published."""

from __future__ import annotations

import argparse
import getpass
import time
from functools import partial
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.mq.pause import Turn
from chalicelib.ops.relay import pause, resume, status
from chalicelib.settings import settings

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]

_tell = partial(print, flush=True)


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("relay", help="whether messages are published")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)

    stop = commands.add_parser("pause", help="stop relay and sweeper; waits until they have")
    stop.set_defaults(run=_pause)
    go = commands.add_parser("resume", help="let them go on")
    go.set_defaults(run=_resume)
    for command in (stop, go):
        command.add_argument("--reason", metavar="TEXT", required=True, type=_said, help="why")
        command.add_argument("--by", metavar="NAME", type=_said, help="who; default: this user")

    stands = commands.add_parser("status", help="whether publishing is paused, by whom and why")
    stands.set_defaults(run=_status)


def _pause(chosen: argparse.Namespace) -> int:
    seconds = settings().publish_deadline_seconds
    pause(wiring.publishing_switch(), _turn(chosen), seconds, time.sleep, _tell)
    return 0


def _resume(chosen: argparse.Namespace) -> int:
    resume(wiring.publishing_switch(), _turn(chosen), _tell)
    return 0


def _status(_: argparse.Namespace) -> int:
    status(wiring.publishing_switch(), _tell)
    return 0


def _turn(chosen: argparse.Namespace) -> Turn:
    return Turn(by=chosen.by or _user(), at=wiring.clock().now(), reason=chosen.reason)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "a user without a name"


def _said(text: str) -> str:
    """A text that says something, on one line."""
    said = " ".join(text.split())
    if not said or not said.isprintable():
        raise argparse.ArgumentTypeError("say something, in plain text")
    return said
