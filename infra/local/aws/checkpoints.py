"""How far each shard of a stream was delivered, kept over a restart."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Protocol


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
    """Positions of one stream in one JSON file, replaced as a whole at each change."""

    def __init__(self, folder: Path, stream_arn: str) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        # A table that was made anew has another stream, and its records start from the beginning.
        name = hashlib.sha256(stream_arn.encode()).hexdigest()[:16]
        self._path = folder / f"{name}.json"
        if self._path.exists():
            self._positions = json.loads(self._path.read_text(encoding="utf-8"))

    def save(self, shard_id: str, sequence_number: str) -> None:
        """Note a new position; a crash leaves the old one or the new one."""
        super().save(shard_id, sequence_number)
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(self._positions), encoding="utf-8")
        draft.replace(self._path)
