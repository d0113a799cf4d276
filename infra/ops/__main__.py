"""The operators' command line: ``python -m infra.ops <group> <command>``.

Each group of commands is a module here with ``add_commands``; what a command does is a plain
function of `chalicelib.ops`. The environment says which deployment is meant, as it does for the
functions themselves (docs/configuration.md).

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from chalicelib.errors import AppError
from chalicelib.settings import SettingsError
from infra.ops import (
    catalogue,
    channels,
    dead_letters,
    grants,
    materials,
    outbox,
    refunds,
    relay,
    topology,
)

_GROUPS = (catalogue, channels, dead_letters, grants, materials, outbox, refunds, relay, topology)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what it returns is the exit code of the process."""
    parser = argparse.ArgumentParser(prog="python -m infra.ops", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    groups = parser.add_subparsers(title="groups", metavar="group", required=True)
    for group in _GROUPS:
        group.add_commands(groups)
    chosen = parser.parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except (AppError, SettingsError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
