"""The learning centre as a subscriber of payments and of refunds: what a delivery leads to.

Ack, Dead and Pause mean the same for both: the effect is stored, was stored before, or is another
service's to store; it can never be stored; our own store cannot be used.
"""

from __future__ import annotations

from chalicelib.errors import StaleWrite, Unavailable
from chalicelib.learning.grants import (
    AlreadyGranted,
    Granted,
    Granting,
    NotGrantable,
    RefundedBefore,
)
from chalicelib.learning.revocations import AlreadyRevoked, NotRevocable, Revoked, Revoking
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause
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
