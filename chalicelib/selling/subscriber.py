"""A seller as a subscriber of payments and of refunds: what a delivery leads to.

The outcomes mean the same for both. Ack: the effect is stored, was stored before, or is another
seller's to store. Dead: it can never be stored. Retry: a row that it needs cannot be read, which
must not hold up the messages behind it. Pause: the seller's own store cannot be used.
"""

from __future__ import annotations

from typing import Protocol

from chalicelib.errors import StaleWrite, Unavailable, UnreadableRow
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause, Retry
from chalicelib.mq.message import MalformedMessage, PayResult, order_type_of, parse_pay_result
from chalicelib.mq.refund_message import RefundResult, parse_refund_result, refund_order_type_of
from chalicelib.observability import logger
from chalicelib.selling.outcomes import (
    AlreadyGranted,
    AlreadyRevoked,
    Granted,
    GrantOutcome,
    NotGrantable,
    NotRevocable,
    RefundedBefore,
    Revoked,
    RevokeOutcome,
)


class Grants(Protocol):
    """What a seller does when its goods are paid for."""

    def grant(self, result: PayResult) -> GrantOutcome:
        """Give the buyer what was paid for. Idempotent.

        Raises
        ------
        UnreadableRow
            One row of the seller cannot be read.
        StaleWrite, Unavailable
            The seller's store cannot do it now.
        """
        ...


class Revocations(Protocol):
    """What a seller does when its goods are given back."""

    def revoke(self, result: RefundResult) -> RevokeOutcome:
        """Take back what the refunded purchase gave. Idempotent.

        Raises
        ------
        UnreadableRow
            One row of the seller cannot be read.
        StaleWrite, Unavailable
            The seller's store cannot do it now.
        """
        ...


class PayResultSubscriber:
    """A `chalicelib.mq.delivery.Handler` for ``payresult_notify``.

    Parameters
    ----------
    order_type
        The goods of this seller; messages about others are acknowledged and left alone.
    """

    def __init__(self, order_type: str, grants: Grants) -> None:
        self._order_type = order_type
        self._grants = grants

    def __call__(self, delivery: Delivery) -> Outcome:
        """Grant what was paid for."""
        try:
            if order_type_of(delivery.body) != self._order_type:
                return Ack()
            result = parse_pay_result(delivery.body)
        except MalformedMessage as error:
            return Dead(f"malformed: {error}")
        try:
            outcome = self._grants.grant(result)
        except UnreadableRow as error:
            return _put_off(delivery, error)
        except (Unavailable, StaleWrite) as error:
            return Pause(str(error))
        match outcome:
            case Granted():
                self._note("goods granted", result)
                return Ack()
            case RefundedBefore():
                self._note("paid after its refund", result)
                return Ack()
            case AlreadyGranted():
                return Ack()
            case NotGrantable(reason):
                return Dead(reason)

    def _note(self, event: str, result: PayResult) -> None:
        logger.info(event, order_type=self._order_type, out_business_id=result.out_business_id)


class RefundResultSubscriber:
    """A `chalicelib.mq.delivery.Handler` for ``refundresult_notify``.

    Parameters
    ----------
    order_type
        The goods of this seller; messages about others are acknowledged and left alone.
    """

    def __init__(self, order_type: str, revocations: Revocations) -> None:
        self._order_type = order_type
        self._revocations = revocations

    def __call__(self, delivery: Delivery) -> Outcome:
        """Take back what was refunded."""
        try:
            if refund_order_type_of(delivery.body) != self._order_type:
                return Ack()
            result = parse_refund_result(delivery.body)
        except MalformedMessage as error:
            return Dead(f"malformed: {error}")
        try:
            outcome = self._revocations.revoke(result)
        except UnreadableRow as error:
            return _put_off(delivery, error)
        except (Unavailable, StaleWrite) as error:
            return Pause(str(error))
        match outcome:
            case Revoked():
                logger.info(
                    "goods taken back",
                    order_type=self._order_type,
                    out_business_id=result.out_business_id,
                    refund_no=result.refund_no,
                )
                return Ack()
            case AlreadyRevoked():
                return Ack()
            case NotRevocable(reason):
                return Dead(reason)


def _put_off(delivery: Delivery, error: UnreadableRow) -> Retry:
    logger.error("unreadable row", message_id=delivery.message_id, detail=error.detail)
    return Retry(error.detail)
