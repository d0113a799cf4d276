"""Runs the scheduled functions of the app, as EventBridge does on AWS.

    python -m infra.local.aws.scheduler

Each function runs when the period of its ``rate(...)`` comes round, at first at once, whether or
not its last run has ended; at most two runs of a function overlap, and what falls due meanwhile is
left out. A run that fails is logged; the schedule goes on. A ``cron(...)`` is not run here.

On SIGTERM nothing new starts, and the runs under way are told by their context that no time is
left. What has not ended a few seconds later is killed.

``SCHEDULE_PERIOD_SECONDS`` replaces every period.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from chalice.app import Chalice, ScheduledEventConfig, ScheduleExpression

from chalicelib.clock import SystemClock
from chalicelib.settings import settings
from infra.local.aws.container import Container, ContainerGone, ProcessContainer, RunFailed
from infra.local.aws.lambda_runtime import PROJECT_APP, load_app, log_to_stdout, stop_on_signals

_MOST_AT_ONCE = 2
_GRACE_SECONDS = 4
# The time of a run beyond its period. The drains fetch nothing in the last 10 s of their time, so
# even with a short period something is left to work in.
_SPARE_SECONDS = 15
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_log = logging.getLogger("infra.local.aws.scheduler")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function and how often it runs."""

    function_name: str
    period_seconds: float


def period_seconds(expression: str | ScheduleExpression) -> float | None:
    """The period of a ``rate(...)``; None for any other expression."""
    text = expression if isinstance(expression, str) else expression.to_string()
    match = _RATE.fullmatch(text)
    return int(match[1]) * _UNIT_SECONDS[match[2]] if match else None


def schedules_of(app: Chalice, instead: float | None = None) -> tuple[Schedule, ...]:
    """The schedules of the app; ``instead`` replaces every period, in seconds."""
    found = []
    for source in app.event_sources:
        if not isinstance(source, ScheduledEventConfig):
            continue
        period = period_seconds(source.schedule_expression)
        if period is None:
            _log.warning("%s does not run here: it has no rate(...)", source.name)
        else:
            found.append(Schedule(source.name, instead or period))
    return tuple(found)


def scheduled_event(function_name: str, moment: datetime, region: str) -> dict[str, Any]:
    """What EventBridge sends at ``moment``.

    https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
    """
    account = "0" * 12
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{account}:rule/{function_name}"],
        "detail": {},
    }


def next_due(due: float, period: float, now: float) -> float:
    """The next moment on the grid of ``due`` that is not over; missed ones are not made up."""
    return due + period * max(1, math.ceil((now - due) / period))


class Runner:
    """Keeps one schedule."""

    def __init__(self, schedule: Schedule, new_container: Callable[[], Container]) -> None:
        self._schedule = schedule
        self._new_container = new_container
        self._changed = threading.Condition()
        self._containers: set[Container] = set()
        self._idle: list[Container] = []
        self._running = 0
        self._stopped = False

    def keep(self, stopping: threading.Event) -> None:
        """Start runs as they fall due, until ``stopping`` is set."""
        due = time.monotonic()
        while not stopping.wait(max(0.0, due - time.monotonic())):
            self.start_run()
            due = next_due(due, self._schedule.period_seconds, time.monotonic())

    def start_run(self) -> bool:
        """Start a run, unless two are under way already; whether one was started."""
        with self._changed:
            if self._stopped:
                return False
            if self._running >= _MOST_AT_ONCE:
                _log.warning("%s left out: two runs are under way", self._schedule.function_name)
                return False
            container = self._idle.pop() if self._idle else self._new_container()
            self._containers.add(container)
            self._running += 1
        threading.Thread(target=self._run, args=(container,), daemon=True).start()
        return True

    def stop(self, *, grace_seconds: float = _GRACE_SECONDS) -> None:
        """Start no more; give the runs under way ``grace_seconds``, then end them."""
        with self._changed:
            self._stopped = True
            for container in self._containers:
                container.leave_early()
            self._changed.wait_for(lambda: self._running == 0, timeout=grace_seconds)
            containers = tuple(self._containers)
        for container in containers:
            container.end()

    def _run(self, container: Container) -> None:
        name = self._schedule.function_name
        event = scheduled_event(name, SystemClock().now(), settings().aws_region)
        usable = True
        try:
            container.run(event, self._schedule.period_seconds + _SPARE_SECONDS)
        except RunFailed as failure:
            _log.error("%s failed:\n%s", name, failure)
        except ContainerGone as gone:
            usable = False
            _log.error("%s: %s", name, gone)
        with self._changed:
            if usable:
                self._idle.append(container)
            else:
                self._containers.discard(container)
            self._running -= 1
            self._changed.notify_all()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.aws.scheduler")
    parser.add_argument("--app", default=PROJECT_APP, help="the Chalice app, as module:attribute")
    parser.add_argument(
        "--period-seconds",
        type=float,
        default=os.environ.get("SCHEDULE_PERIOD_SECONDS") or None,
        help="replaces every period (SCHEDULE_PERIOD_SECONDS)",
    )
    chosen = parser.parse_args(arguments)
    log_to_stdout()
    stopping = stop_on_signals()
    schedules = schedules_of(load_app(chosen.app), chosen.period_seconds)
    runners = [
        Runner(schedule, partial(ProcessContainer, chosen.app, schedule.function_name))
        for schedule in schedules
    ]
    for runner in runners:
        threading.Thread(target=runner.keep, args=(stopping,), daemon=True).start()
    print("ready", flush=True)
    stopping.wait()
    # At the same time, so that one grace is enough for all.
    endings = [threading.Thread(target=runner.stop) for runner in runners]
    for ending in endings:
        ending.start()
    for ending in endings:
        ending.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
