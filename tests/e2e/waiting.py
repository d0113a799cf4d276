"""The one process, of all that work for a part of the stack, that waits for a held request."""

from __future__ import annotations

from pathlib import Path

from infra.local.processes.proc import group_members
from infra.local.stack import Stack
from tests.e2e.database_gate import Held

_LOCAL_ADDRESS, _INODE = 1, 9


def who_waits(stack: Stack, part: str, held: Held) -> int:
    """The pid of the process that sent what ``held`` keeps, by the port that it sent it from."""
    group = stack.part(part).pid
    assert group is not None, f"{part} does not run"
    socket = f"socket:[{_socket_at(held.client_port)}]"
    [pid] = [pid for pid in group_members(group) if socket in _open_files(pid)]
    return pid


def _socket_at(port: int) -> str:
    """The inode of the socket of a client (https://docs.kernel.org/networking/proc_net_tcp.html)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    of_this_port = [
        fields
        for fields in map(str.split, lines)
        if int(fields[_LOCAL_ADDRESS].partition(":")[2], 16) == port
    ]
    # Of a connection that has ended no inode is left.
    [inode] = {fields[_INODE] for fields in of_this_port} - {"0"}
    return inode


def _open_files(pid: int) -> set[str]:
    try:
        return {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()
