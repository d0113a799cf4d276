"""The learning centre as a subscriber of payments and of refunds: what a delivery leads to.

The outcomes mean the same for both. Ack: the effect is stored, was stored before, or is another
service's to store. Dead: it can never be stored. Retry: a row that it needs cannot be read, which
must not hold up the messages behind it. Pause: our own store cannot be used.
"""

from __future__ import annotations

from chalicelib.errors import StaleWrite, Unavailable, UnreadableRow
from chalicelib.learning.grants import (
    AlreadyGranted,
    Granted,
    Granting,
    NotGrantable,
    RefundedBefore,
)
from chalicelib.learning.revocations import AlreadyRevoked, NotRevocable, Revoked, Revoking
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause, Retry
from chalicelib.mq.message import MalformedMessage, order_type_of, parse_pay_result
from chalicelib.mq.refund_message import parse_refund_result, refund_order_type_of
from chalicelib.observability import logger
from chalicelib.purchasables import OrderType


class PayResultSubscriber:
    """A `chalicelib.mq.delivery.Handler` for ``payresult_notify``."""

    def __init__(self, granting: Granting) -> None:
        self._granting = granting

    def __call__(self, delivery: Delivery) -> Outcome:
        """Grant the course that was paid for."""
        try:
            if order_type_of(delivery.body) != OrderType.COURSE:
                return Ack()
            result = parse_pay_result(delivery.body)
        except MalformedMessage as error:
            return Dead(f"malformed: {error}")
        try:
            outcome = self._granting.grant(result)
        except UnreadableRow as error:
            return _put_off(delivery, error)
        except (Unavailable, StaleWrite) as error:
            return Pause(str(error))
        match outcome:
            case Granted():
                logger.info("course opened", choose_course_id=result.out_business_id)
                return Ack()
            case RefundedBefore():
                logger.info("paid after its refund", choose_course_id=result.out_business_id)
                return Ack()
            case AlreadyGranted():
                return Ack()
            case NotGrantable(reason):
                return Dead(reason)


class RefundResultSubscriber:
    """A `chalicelib.mq.delivery.Handler` for ``refundresult_notify``."""

    def __init__(self, revoking: Revoking) -> None:
        self._revoking = revoking

    def __call__(self, delivery: Delivery) -> Outcome:
        """Take back the course that was refunded."""
        try:
            if refund_order_type_of(delivery.body) != OrderType.COURSE:
                return Ack()
            result = parse_refund_result(delivery.body)
        except MalformedMessage as error:
            return Dead(f"malformed: {error}")
        try:
            outcome = self._revoking.revoke(result)
        except UnreadableRow as error:
            return _put_off(delivery, error)
        except (Unavailable, StaleWrite) as error:
            return Pause(str(error))
        match outcome:
            case Revoked():
                logger.info(
                    "course taken back",
                    choose_course_id=result.out_business_id,
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
