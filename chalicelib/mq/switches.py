"""The table of switches that operators turn without a deployment; publishing has one.

It is DynamoDB because the functions that use the broker reach nothing else but their secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.constants import DATETIME_FORMAT
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from chalicelib.dynamo import Dynamo, repeating
from chalicelib.mq.pause import SwitchState, Turn
from chalicelib.mq.row_image import Item, text_in

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
    """Implements `chalicelib.mq.pause.Switch`.

    The item is read as DynamoDB answers it, without the model: whatever stands in what is told to
    people keeps nobody from publishing, from pausing or from resuming.
    """

    def __init__(self, dynamo: Dynamo) -> None:
        self._item = dynamo.bind(SwitchItem)
        self._table = self._item._get_connection()

    def is_paused(self) -> bool:
        """Whether publishing is paused now, by a consistent read."""
        # with its key, so that an item without a position is told from none at all
        return _is_paused(self._read(["name", "is_paused"]))

    def state(self) -> SwitchState:
        """How it stands, by a consistent read."""
        item = self._read()
        return SwitchState(
            is_paused=_is_paused(item),
            last_pause=_turn(item, "paused_by", "paused_at", "pause_reason"),
            last_resumption=_turn(item, "resumed_by", "resumed_at", "resume_reason"),
        )

    def _update(self, actions: list[Action]) -> None:
        # the model's own update would read the new item
        repeating(lambda: self._table.update_item(_PUBLISHING, actions=actions))

    def _read(self, attributes: Sequence[str] | None = None) -> Item:
        answer = repeating(
            lambda: self._table.get_item(
                _PUBLISHING, consistent_read=True, attributes_to_get=attributes
            )
        )
        item: Item = answer.get("Item", {})
        return item

    def pause(self, turn: Turn) -> None:
        """Store that publishing is paused. Idempotent."""
        item = self._item
        actions: list[Action] = [
            item.is_paused.set(True),
            item.paused_by.set(turn.by),
            _at(item.paused_at, turn),
            item.pause_reason.set(turn.reason),
        ]
        self._update(actions)

    def resume(self, turn: Turn) -> None:
        """Store that publishing goes on. Idempotent."""
        item = self._item
        actions: list[Action] = [
            item.is_paused.set(False),
            item.resumed_by.set(turn.by),
            _at(item.resumed_at, turn),
            item.resume_reason.set(turn.reason),
        ]
        self._update(actions)


def _at(attribute: UTCDateTimeAttribute, turn: Turn) -> Action:
    return attribute.remove() if turn.at is None else attribute.set(turn.at)


def _is_paused(item: Item) -> bool:
    # an item without a position is no reason to publish
    return bool(item) and item.get("is_paused", {}).get("BOOL") is not False


def _turn(item: Item, by: str, at: str, reason: str) -> Turn | None:
    if at not in item:
        return None
    return Turn(text_in(item, by) or "", _moment(text_in(item, at)), text_in(item, reason) or "")


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text, DATETIME_FORMAT).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
