"""Only what pika publishes is used: what it keeps to itself may change with any release of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("chalicelib", "infra", "bench")
OURS = [
    ROOT / "app.py",
    *(path for each in FOLDERS for path in sorted((ROOT / each).rglob("*.py"))),
]
# "This is not a public API", says its nbio_interface, which the others build on:
# https://github.com/pika/pika/blob/main/pika/adapters/utils/nbio_interface.py
PRIVATE_MODULE = "pika.adapters.utils"
# Held by objects of pika: the blocking connection's engine, and the event loop that it is given.
PRIVATE_OF_OBJECTS = frozenset({"_impl", "_nbio"})


def private_uses(code: ast.AST) -> Iterator[str]:
    """Private names of pika that ``code`` reaches for, however it names the module.

    What hangs on an object of pika cannot be told by its syntax from what hangs on one of ours, but
    for the names that none of ours has.
    """
    aliases = dict(_aliases(code))
    for node in ast.walk(code):
        for name in _names(node, aliases):
            if _is_private(name):
                yield name
        if isinstance(node, ast.Attribute) and node.attr in PRIVATE_OF_OBJECTS:
            yield node.attr
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
            yield from (
                each.value
                for each in node.args[1:2]
                if isinstance(each, ast.Constant) and each.value in PRIVATE_OF_OBJECTS
            )


def _aliases(code: ast.AST) -> Iterator[tuple[str, str]]:
    """Each local name that an import binds, with what it stands for in pika."""
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _names(node: ast.AST, aliases: dict[str, str]) -> Iterator[str]:
    """The full names that one node imports or spells."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"{module}.{alias.name}" for alias in names)
        case ast.Attribute():
            first, *rest = _path(node)
            if first in aliases:
                yield ".".join((aliases[first], *rest))


def _path(node: ast.AST) -> list[str]:
    """The names from the first dot on the left to the last; a call stands for what it calls."""
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=value, attr=name):
            return [*_path(value), name]
        case ast.Call(func=called):
            return _path(called)
        case _:
            return [""]


def _is_private(name: str) -> bool:
    first, *rest = name.split(".")
    return first == "pika" and (
        any(part.startswith("_") and not part.startswith("__") for part in rest)
        or f"{name}.".startswith(f"{PRIVATE_MODULE}.")
    )


@pytest.mark.parametrize(
    "code",
    [
        "import pika\npika._version",
        "import pika\npika.adapters.utils.io_services_utils",
        "import pika as amqp\namqp.channel._channel",
        "import pika.adapters.utils",
        "import pika.adapters.utils.nbio_interface as nbio",
        "from pika import _private",
        "from pika.adapters import utils",
        "from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowFailed",
        "from pika import channel\nchannel._private",
        "from pika.adapters.select_connection import IOLoop as Loop\nLoop._poller",
        "import pika\npika.SelectConnection(parameters)._adapter_disconnect_stream()",
        "connection._impl.ioloop",
        "self._connection._nbio.stop()",
        "getattr(connection, '_impl')",
    ],
)
def test_each_way_into_pika_is_seen(code: str) -> None:
    assert list(private_uses(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "import pika\npika.SelectConnection(on_open_callback=self._on_open)",
        "import pika\npika.BasicProperties(message_id=self._id).message_id",
        "import pika\npika.__version__",
        "from pika.adapters.select_connection import IOLoop\nIOLoop().stop()",
        "from pika import spec\nself._spec = spec.Basic.Ack",
        "from chalicelib.mq import rabbit\nrabbit._link",
        "from pikachu import _private",
    ],
)
def test_what_is_public_or_ours_is_let_be(code: str) -> None:
    assert not list(private_uses(ast.parse(code)))


def test_no_module_of_ours_reaches_into_pika() -> None:
    reached = {
        path.relative_to(ROOT).as_posix(): found
        for path in OURS
        if (found := list(private_uses(ast.parse(path.read_text("utf-8")))))
    }
    assert reached == {}


def test_the_modules_that_speak_through_pika_are_among_those_read() -> None:
    read = {path.relative_to(ROOT).as_posix() for path in OURS}
    assert {"chalicelib/mq/rabbit/connection.py", "infra/local/purchase/listener.py"} <= read
