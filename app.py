"""The composition root: one Chalice app, its blueprints, and nothing else."""

from chalice.app import Chalice

from chalicelib import wiring
from chalicelib.authorizer import identity
from chalicelib.health import health
from chalicelib.http import in_our_error_shape
from chalicelib.learning.api import learning
from chalicelib.learning.jobs import learning_jobs
from chalicelib.mq.jobs import messages
from chalicelib.orders.jobs import order_jobs
from chalicelib.orders.routes.api import orders
from chalicelib.orders.routes.notify_api import notifications
from chalicelib.orders.routes.order_api import my_orders
from chalicelib.orders.routes.pay_pages import pay_pages
from chalicelib.orders.routes.refund_api import refunds
from chalicelib.resources.api import resources
from chalicelib.resources.jobs import resources_jobs
from chalicelib.settings import settings

# its logger has the name of ours: left to itself it would silence all but errors
app = Chalice(app_name="course-payments", configure_logs=False)
app.register_middleware(in_our_error_shape, "http")

app.register_blueprint(identity)
app.register_blueprint(health)
app.register_blueprint(learning, url_prefix="/learning")
app.register_blueprint(orders, url_prefix="/orders")
app.register_blueprint(my_orders, url_prefix="/orders")
app.register_blueprint(refunds, url_prefix="/orders")
app.register_blueprint(pay_pages, url_prefix="/orders")
app.register_blueprint(notifications, url_prefix="/orders")
app.register_blueprint(resources, url_prefix="/resources")
app.register_blueprint(messages)
app.register_blueprint(learning_jobs)
app.register_blueprint(resources_jobs)
app.register_blueprint(order_jobs)

wiring.preload(settings().preload)
