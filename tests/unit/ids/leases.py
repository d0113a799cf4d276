"""A lease table in memory, with the conditional semantics of the real one."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.ids.ports import Granted


@dataclass
class Row:
    owner: str
    lease_until: int
    floor: int


class FakeLeaseStore:
    """Implements `chalicelib.ids.ports.LeaseStore`; the contract test keeps it honest."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}

    def acquire(self, worker_id: int, *, token: str, now_ms: int, until_ms: int) -> Granted | None:
        row = self.rows.get(worker_id)
        if row is not None and row.lease_until >= now_ms:
            return None
        floor = row.lease_until if row is not None else 0
        self.rows[worker_id] = Row(token, until_ms, floor)
        return Granted(floor_ms=floor, server_ms=None)

    def renew(self, worker_id: int, *, token: str, until_ms: int) -> Granted | None:
        row = self.rows.get(worker_id)
        if row is None or row.owner != token or not self._moves_on(row, until_ms):
            return None
        row.lease_until = until_ms
        return Granted(floor_ms=row.floor, server_ms=None)

    def _moves_on(self, row: Row, until_ms: int) -> bool:
        return row.lease_until < until_ms


class FakeLeaseStoreThatLowers(FakeLeaseStore):
    """Without the rule that a renewal only ever moves the end on."""

    def _moves_on(self, row: Row, until_ms: int) -> bool:
        return True
