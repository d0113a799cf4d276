"""A refund takes its material away: the effect of a ``refundresult_notify``.

The record's state, its guard and the grant in the owned row change in one transaction. A refund
takes back only what its own record opened: who also has another live grant keeps the material. It
may be heard any number of times, and before the payment
(`chalicelib.resources.grants.MaterialGranting`).
"""

from __future__ import annotations

import secrets

from chalicelib.mq.refund_message import RefundResult
from chalicelib.optimistic import until_written
from chalicelib.resources.model import ChooseMaterial, OwnedMaterial
from chalicelib.resources.ports import ResourcesChange, ResourcesStore
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import AlreadyRevoked, NotRevocable, Revoked, RevokeOutcome


class MaterialRevoking:
    """Takes refunded grants back."""

    def __init__(self, store: ResourcesStore) -> None:
        self._store = store

    def revoke(self, result: RefundResult) -> RevokeOutcome:
        """Take back what the refunded record opened, for good. Idempotent.

        Raises
        ------
        StaleWrite
            Other writers were faster too often; repeat later.
        Unavailable
            The database did not answer, or a row cannot be read; repeat later.
        """
        return until_written(lambda: self._revoke(result))

    def _revoke(self, result: RefundResult) -> RevokeOutcome:
        record = self._store.choose_material(result.out_business_id)
        if record is None:
            return NotRevocable(f"no choose-material record {result.out_business_id!r}")
        if record.status is ChooseStatus.REFUNDED:
            return AlreadyRevoked()
        self._store.commit(
            ResourcesChange(
                write_id=secrets.token_hex(8),
                choose_material=record.refunded(),
                owned=self._without_grant_of(record),
                close_pending=True,
            )
        )
        return Revoked()

    def _without_grant_of(self, record: ChooseMaterial) -> OwnedMaterial | None:
        """The owned row without this record's grant; None when it has none."""
        owned = self._store.owned(record.user_id, record.material_id)
        if owned is None or not owned.has_grant(record.choose_material_id):
            return None
        return owned.with_revoked(record.choose_material_id)
