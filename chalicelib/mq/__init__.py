"""Messages: the outbox, its way to RabbitMQ, and the drains on the other side.

::

    the words       message, refund_message: the contract   delivery: what came, its outcomes
    the way out     outbox: the table   row_image: how its items read   waiting: rows that are due
                    stream, relay: the first minute   sweeper: all later   sending: what both do
                    pause, switches: an operator stops both
    the broker      topology: its exchanges and queues   rabbit/: AMQP   management/: its HTTP API
                    drift/: what it has, against what it should have
    the way in      drain: a stay at a work queue   dead_letters: what could not be done
    joining them    ports: a publisher and an inbox, to whoever needs one   jobs: the functions
"""
