"""``make up``: serve the local stack until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from chalicelib.settings import Settings
from infra.local.catalogue import import_sample
from infra.local.stack import FOLDER, Stack

_LOOK_SECONDS = 1
_ENVIRONMENT = "env"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 after Ctrl-C or SIGTERM, 1 when a part did not start."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.up", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for keys, data and logs")
    folder: Path = parser.parse_args(arguments).folder
    print("starting the local stack", flush=True)
    up = False
    try:
        with Stack(folder) as stack:
            print(import_sample(stack.env))
            _write_environment(stack.env, folder / _ENVIRONMENT)
            up = True
            print(_what_it_offers(stack, folder), flush=True)
            _watch(stack)
    except RuntimeError as error:
        print(f"the local stack did not start: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, SystemExit) as told:
        print("stopped", flush=True)
        if up:
            return 0
        return told.code if isinstance(told, SystemExit) and isinstance(told.code, int) else 130


def _what_it_offers(stack: Stack, folder: Path) -> str:
    lines = [
        "",
        f"  API       {stack.api_url}   docs/api.yaml lists the routes",
    ]
    if stack.identity_url:
        lines += [f"  tokens    {stack.identity_url}   log in as any student"]
    if stack.alipay_url:
        lines += [f"  Alipay    {stack.alipay_url}   the simulated platform"]
    if stack.wechat_url:
        lines += [f"  WeChat    {stack.wechat_url}   the simulated platform"]
    lines += [
        f"  logs      {folder}/logs/   one file per part",
        f"  commands  . {folder}/{_ENVIRONMENT}   then .venv/bin/python -m infra.ops --help",
        "",
        "Each start begins empty, with the sample catalogue. Ctrl-C stops it.",
    ]
    return "\n".join(lines)


def _write_environment(env: Mapping[str, str], file: Path) -> None:
    """For a shell from which operators' commands shall reach this stack, and nothing else."""
    settings = {field.name.upper() for field in dataclasses.fields(Settings)}
    ours = {
        name: value
        for name, value in env.items()
        if name in settings or name.startswith("AWS_") or os.environ.get(name) != value
    }
    file.touch(mode=0o600)
    file.write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(ours.items())),
        encoding="utf-8",
    )


def _watch(stack: Stack) -> NoReturn:
    told: set[str] = set()
    while True:
        time.sleep(_LOOK_SECONDS)
        ended = stack.ended()
        for name, ending in ended.items():
            if name not in told:
                log = stack.part(name).log_path
                print(f"{name} {ending}; its log is {log}", file=sys.stderr, flush=True)
        told = set(ended)


if __name__ == "__main__":
    sys.exit(main())
