"""The table of switches that operators turn without a deployment; publishing has one.

It is DynamoDB because the functions that use the broker reach nothing else but their secrets.
"""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from chalicelib.dynamo import Dynamo, found_or_none, repeating
from chalicelib.mq.pause import SwitchState, Turn

_PUBLISHING = "publishing"


class SwitchItem(Model):
    """One switch. Without an item it was never turned: nothing is paused."""

    class Meta:
        table_name = "switches"

    name = UnicodeAttribute(hash_key=True)
    is_paused = BooleanAttribute()
    paused_by = UnicodeAttribute(null=True)
    paused_at = UTCDateTimeAttribute(null=True)
    pause_reason = UnicodeAttribute(null=True)
    resumed_by = UnicodeAttribute(null=True)
    resumed_at = UTCDateTimeAttribute(null=True)
    resume_reason = UnicodeAttribute(null=True)


class PublishingSwitch:
    """Implements `chalicelib.mq.pause.Switch`."""

    def __init__(self, dynamo: Dynamo) -> None:
        self._item = dynamo.bind(SwitchItem)

    def is_paused(self) -> bool:
        """Whether publishing is paused now, by a consistent read."""
        return self.state().is_paused

    def state(self) -> SwitchState:
        """How it stands, by a consistent read."""
        item = found_or_none(self._item, _PUBLISHING)
        if item is None:
            return SwitchState(is_paused=False, last_pause=None, last_resumption=None)
        return SwitchState(
            # an item without a position is no reason to publish
            is_paused=item.is_paused is not False,
            last_pause=_turn(item.paused_by, item.paused_at, item.pause_reason),
            last_resumption=_turn(item.resumed_by, item.resumed_at, item.resume_reason),
        )

    def pause(self, turn: Turn) -> None:
        """Store that publishing is paused. Idempotent."""
        item = self._item
        actions: list[Action] = [
            item.is_paused.set(True),
            item.paused_by.set(turn.by),
            item.paused_at.set(turn.at),
            item.pause_reason.set(turn.reason),
        ]
        repeating(lambda: item(_PUBLISHING).update(actions))

    def resume(self, turn: Turn) -> None:
        """Store that publishing goes on. Idempotent."""
        item = self._item
        actions: list[Action] = [
            item.is_paused.set(False),
            item.resumed_by.set(turn.by),
            item.resumed_at.set(turn.at),
            item.resume_reason.set(turn.reason),
        ]
        repeating(lambda: item(_PUBLISHING).update(actions))


def _turn(by: str | None, at: object, reason: str | None) -> Turn | None:
    return None if at is None else Turn(by or "", at, reason or "")  # type: ignore[arg-type]
