"""The composition root: one Chalice app, its blueprints, and nothing else."""

from chalice.app import Chalice

from chalicelib import wiring
from chalicelib.authorizer import identity
from chalicelib.health import health
from chalicelib.http import in_our_error_shape
from chalicelib.learning.api import learning
from chalicelib.learning.jobs import learning_jobs
from chalicelib.mq.jobs import messages
from chalicelib.orders.api import orders
from chalicelib.orders.notify_api import notifications
from chalicelib.orders.pay_pages import pay_pages
from chalicelib.settings import settings

app = Chalice(app_name="course-payments")
app.register_middleware(in_our_error_shape, "http")

app.register_blueprint(identity)
app.register_blueprint(health)
app.register_blueprint(learning, url_prefix="/learning")
app.register_blueprint(orders, url_prefix="/orders")
app.register_blueprint(pay_pages, url_prefix="/orders")
app.register_blueprint(notifications, url_prefix="/orders")
app.register_blueprint(messages)
app.register_blueprint(learning_jobs)

wiring.preload(settings().preload)
