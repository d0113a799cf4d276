"""``catalogue import FILE``: load courses into the catalogue."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.ops.catalogue import import_courses
from chalicelib.ops.import_file import CatalogueError

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("catalogue", help="the course catalogue")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)
    load = commands.add_parser("import", help="load courses from a JSON file: all or none")
    load.add_argument("file", type=Path, metavar="FILE")
    load.set_defaults(run=_import)


def _import(chosen: argparse.Namespace) -> int:
    file: Path = chosen.file
    try:
        text = file.read_bytes()
    except OSError as error:
        print(f"cannot read {file}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        report = import_courses(text, wiring.learning_store())
    except CatalogueError as error:
        print(f"nothing of {file} was imported:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return 1
    print(f"{report.imported} courses imported, {len(report.not_for_sale)} not for sale now")
    for course_id, reason in report.not_for_sale.items():
        print(f"  {course_id}: {reason}")
    return 0
