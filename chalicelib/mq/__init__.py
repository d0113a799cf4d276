"""Messages: the outbox, its relay to RabbitMQ, and the drains on the other side."""
