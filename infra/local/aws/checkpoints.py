"""How far each shard of a stream was delivered, kept over a restart."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Protocol

_log = logging.getLogger(__name__)


class Checkpoints(Protocol):
    """Remembers how far each shard was delivered."""

    def position(self, shard_id: str) -> str | None:
        """The sequence number of the last record that is done with."""
        ...

    def save(self, shard_id: str, sequence_number: str) -> None:
        """Note a new position, durably."""
        ...


class MemoryCheckpoints:
    """Positions that a restart forgets: delivery then begins at the trim horizon."""

    def __init__(self) -> None:
        self._positions: dict[str, str] = {}

    def position(self, shard_id: str) -> str | None:
        """The sequence number of the last record that is done with."""
        return self._positions.get(shard_id)

    def save(self, shard_id: str, sequence_number: str) -> None:
        """Note a new position."""
        self._positions[shard_id] = sequence_number


class FileCheckpoints(MemoryCheckpoints):
    """Positions of one stream in one JSON file, replaced as a whole at each change.

    A file that cannot be read is as good as none: all that the stream has is delivered again.
    """

    def __init__(self, folder: Path, stream_arn: str) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        # A table that was made anew has another stream, and its records start from the beginning.
        name = hashlib.sha256(stream_arn.encode()).hexdigest()[:16]
        self._path = folder / f"{name}.json"
        if self._path.exists():
            try:
                self._positions = _positions(self._path.read_bytes())
            except ValueError as error:
                _log.error("%s is no file of positions (%s): starts anew", self._path, error)

    def save(self, shard_id: str, sequence_number: str) -> None:
        """Note a new position; a crash leaves the old one or the new one."""
        super().save(shard_id, sequence_number)
        draft = self._path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(self._positions, file)
            file.flush()
            # Otherwise a power failure could leave the new name on an empty file.
            os.fsync(file.fileno())
        draft.replace(self._path)


def _positions(document: bytes) -> dict[str, str]:
    positions = json.loads(document)
    if not isinstance(positions, dict) or not all(
        isinstance(number, str) and number for number in positions.values()
    ):
        raise ValueError("not a position for each shard")
    return positions
