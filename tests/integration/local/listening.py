"""On which addresses processes listen, from the kernel's tables."""

from __future__ import annotations

import subprocess

from infra.local.processes import proc


def addresses_of_group(group: int) -> set[str]:
    """The ``address:port`` pairs on which the processes of a group listen (TCP and UDP)."""
    listing = subprocess.run(
        ["ss", "-lntupH"], capture_output=True, check=True, text=True
    ).stdout.splitlines()
    mine = [f"pid={pid}," for pid in proc.group_members(group)]
    return {line.split()[4] for line in listing if any(pid in line for pid in mine)}
