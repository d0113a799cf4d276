"""The supervisor of the local stack: starts its parts in order and leaves none behind.

    with Stack(Path(".local")) as stack:
        stack.api_url, stack.env, stack.part("broker").restart()

What the parts hold begins empty at each start: keys and logs aside, nothing is kept. The processes
end with the ``with`` block, with Ctrl-C, SIGTERM and SIGHUP, with a start that fails, and, by the
watchdog, with a supervisor that is killed.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType

from infra.local.keys import make_keys
from infra.local.parts import Part, Parts
from infra.local.processes import interruptions
from infra.local.processes.children import NotReady
from infra.local.processes.leftovers import FolderInUse, end_leftovers, only_one_in
from infra.local.processes.server import Server

FOLDER = Path(".local")

_print_at_once = partial(print, flush=True)


class StackError(RuntimeError):
    """The stack did not start; the text says why, and nothing of it runs."""


class Stack:
    """A context manager: the parts run inside it.

    Parameters
    ----------
    folder
        Where keys, secrets, data and logs go; one stack at a time runs in a folder.
    overrides
        Variables that are put over those of this process; see `infra.local.parts`.
    only
        The names of the parts to start; all by default.
    report
        Gets one line per part as it starts.

    Raises
    ------
    StackError
        A variable is unreadable; on entering: a part did not start, or another stack runs in the
        folder.
    """

    def __init__(
        self,
        folder: Path = FOLDER,
        overrides: Mapping[str, str] | None = None,
        *,
        only: Collection[str] | None = None,
        report: Callable[[str], None] = _print_at_once,
    ) -> None:
        self._folder = folder.resolve()
        try:
            self._parts = Parts(self._folder, {**os.environ, **(overrides or {})})
        except ValueError as error:
            raise StackError(str(error)) from error
        self._stages = tuple(
            tuple(part for part in stage if only is None or part.name in only)
            for stage in self._parts.stages()
        )
        unknown = set(only or ()) - {part.name for stage in self._stages for part in stage}
        if unknown:
            raise ValueError(f"no such part: {', '.join(sorted(unknown))}")
        self._report = report
        self._held = ExitStack()

    @property
    def api_url(self) -> str:
        """Where the project's endpoints answer."""
        return self._parts.addresses.api_url

    @property
    def identity_url(self) -> str:
        """The dev identity provider; empty when ``JWKS_URL`` names another."""
        return self._parts.addresses.identity_url

    @property
    def alipay_url(self) -> str:
        """The Alipay simulator; empty when ``ALIPAY_GATEWAY_URL`` names the platform."""
        return self._parts.addresses.alipay_url

    @property
    def wechat_url(self) -> str:
        """The WeChat simulator; empty when ``WECHAT_GATEWAY_URL`` names the platform."""
        return self._parts.addresses.wechat_url

    @property
    def s3_url(self) -> str:
        """The gate in front of S3's engine; empty when ``S3_ENDPOINT_URL`` names another S3."""
        return self._parts.addresses.s3_url

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of the functions, and of operators' commands."""
        return self._parts.env()

    def part(self, name: str) -> Server:
        """One part: its ``pid`` and ``log_path``; to be stopped, killed and started again.

        Raises
        ------
        KeyError
            It does not run here.
        """
        return {part.name: part.server for part in self._running()}[name]

    def ended(self) -> dict[str, str]:
        """The parts that are down, and how each ended."""
        servers = [part.server for part in self._running() if not part.server.is_task]
        return {s.name: s.child.ending() for s in servers if not s.running}

    def __enter__(self) -> Stack:
        try:
            self._held.enter_context(interruptions.raised())
            self._held.enter_context(only_one_in(self._folder))
            self._held.callback(self._stop)
            self._prepare()
            for stage in self._stages:
                self._start(stage)
        except (NotReady, FolderInUse) as error:
            self._held.close()
            raise StackError(str(error)) from error
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    def _prepare(self) -> None:
        logs, data = self._folder / "logs", self._folder / "data"
        ended = end_leftovers(logs)
        if ended:
            self._report(f"ended {ended} processes that a killed stack left behind")
        shutil.rmtree(data, ignore_errors=True)
        for folder in (logs, data):
            folder.mkdir(exist_ok=True)
        for stage in self._stages:
            for part in stage:
                part.server.log_path.unlink(missing_ok=True)
        make_keys(self._folder)

    def _start(self, stage: tuple[Part, ...]) -> None:
        started = time.monotonic()
        for part in stage:
            if self._parts.is_elsewhere(part):
                self._report(f"  {part.name:<12} not started: {part.replaced_by} names another")
            else:
                # Not between the start of a process and the note of it.
                with interruptions.postponed():
                    part.server.launch()
        for part in stage:
            if not self._parts.is_elsewhere(part):
                part.server.wait_ready()
                seconds = time.monotonic() - started
                self._report(f"  {part.name:<12} {seconds:4.1f} s  {part.what:<29}{part.address}")

    def _stop(self) -> None:
        with interruptions.ignored(), ThreadPoolExecutor() as pool:
            for stage in reversed(self._stages):
                # To the end of each, whatever becomes of the others.
                for ending in [pool.submit(_end, part) for part in stage]:
                    ending.result()

    def _running(self) -> Iterator[Part]:
        for stage in self._stages:
            yield from (part for part in stage if not self._parts.is_elsewhere(part))


def _end(part: Part) -> None:
    if part.forgetful:
        part.server.kill()
    part.server.stop()
