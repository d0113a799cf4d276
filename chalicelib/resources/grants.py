"""A paid order opens its material: the effect of a ``payresult_notify``.

The record's state, its guard and the owned row change in one transaction, so a crash leaves
either all of it or nothing, and the message comes again. Order and number of messages do not
matter: what is owned follows from a set of grants (`chalicelib.resources.model.OwnedMaterial`).
"""

from __future__ import annotations

import secrets

from chalicelib.mq.message import PayResult
from chalicelib.optimistic import until_written
from chalicelib.resources.model import OwnedMaterial
from chalicelib.resources.ports import ResourcesChange, ResourcesStore
from chalicelib.selling.codes import ChooseStatus
from chalicelib.selling.outcomes import (
    AlreadyGranted,
    Granted,
    GrantOutcome,
    NotGrantable,
    RefundedBefore,
)


class MaterialGranting:
    """Turns paid orders into grants."""

    def __init__(self, store: ResourcesStore) -> None:
        self._store = store

    def grant(self, result: PayResult) -> GrantOutcome:
        """Grant what ``result`` paid for, for ever: its days are not looked at. Idempotent.

        A record that is refunded stays so: its grant is stored as revoked, so that owned row and
        record are the same as if payment and refund had been heard in their order.

        Raises
        ------
        StaleWrite
            Other writers were faster too often; repeat later.
        Unavailable
            The database did not answer, or a row cannot be read; repeat later.
        """
        return until_written(lambda: self._grant(result))

    def _grant(self, result: PayResult) -> GrantOutcome:
        record = self._store.choose_material(result.out_business_id)
        if record is None:
            return NotGrantable(f"no choose-material record {result.out_business_id!r}")
        if record.paid_at is not None:
            return AlreadyGranted()
        refunded = record.status is ChooseStatus.REFUNDED
        note = record.paid_after_refund if refunded else record.chosen
        paid = note(result.paid_at)
        owned = self._store.owned(record.user_id, record.material_id)
        owned = owned or OwnedMaterial(user_id=record.user_id, material_id=record.material_id)
        self._store.commit(
            ResourcesChange(
                write_id=secrets.token_hex(8),
                choose_material=paid,
                owned=owned.with_grant(paid.grant()),
                close_pending=True,
            )
        )
        return RefundedBefore() if refunded else Granted()
