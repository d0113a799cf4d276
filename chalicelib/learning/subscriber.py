"""The learning centre as a subscriber of the payment exchange: what a delivery leads to."""

from __future__ import annotations

from chalicelib.errors import StaleWrite, Unavailable
from chalicelib.learning.grants import AlreadyGranted, Granted, Granting, NotGrantable
from chalicelib.mq.delivery import Ack, Dead, Delivery, Outcome, Pause
from chalicelib.mq.message import MalformedMessage, order_type_of, parse_pay_result
from chalicelib.observability import logger
from chalicelib.purchasables import OrderType


class PayResultSubscriber:
    """A `chalicelib.mq.delivery.Handler` for ``payresult_notify``."""

    def __init__(self, granting: Granting) -> None:
        self._granting = granting

    def __call__(self, delivery: Delivery) -> Outcome:
        """Grant the course that was paid for.

        Returns
        -------
        Outcome
            Ack when the grant is stored, was stored before, or is another service's to store;
            Dead when the message can never be granted; Pause when our own store cannot be used.
        """
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
            case AlreadyGranted():
                return Ack()
            case NotGrantable(reason):
                return Dead(reason)
