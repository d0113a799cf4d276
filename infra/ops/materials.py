"""``materials import FILE``: load study materials and their files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import wiring
from chalicelib.ops.import_file import CatalogueError
from chalicelib.ops.materials import FileChanged, import_materials
from chalicelib.settings import settings

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(groups: Groups) -> None:
    """Add this group to the command line."""
    group = groups.add_parser("materials", help="the catalogue of study materials")
    commands = group.add_subparsers(title="commands", metavar="command", required=True)
    load = commands.add_parser(
        "import",
        help="load materials and their files from a JSON file: checked whole, then one by one",
    )
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
        report = import_materials(
            text,
            file.parent,
            store=wiring.resources_store(),
            files=wiring.material_files(),
            key_prefix=settings().materials_prefix,
        )
    except CatalogueError as error:
        print(f"nothing of {file} was imported:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return 1
    except FileChanged as error:
        print(f"{error}; a part may be imported: import {file} again", file=sys.stderr)
        return 1
    print(f"{report.imported} materials imported, {len(report.not_for_sale)} not for sale now")
    for material_id, reason in report.not_for_sale.items():
        print(f"  {material_id}: {reason}")
    return 0
