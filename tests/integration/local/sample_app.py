"""A small app with everything that the local stand-ins serve."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from chalice.app import (
    AuthRequest,
    AuthResponse,
    AuthRoute,
    Chalice,
    CloudWatchEvent,
    CORSConfig,
    DynamoDBEvent,
    Rate,
    Response,
)

from chalicelib.settings import settings

app = Chalice("sample")
app.api.cors = CORSConfig(allow_origin="https://h5.example")

authorizer_calls: list[str] = []


@app.authorizer()
def bearer(request: AuthRequest) -> Any:
    authorizer_calls.append(request.token)
    match request.token:
        case "Bearer ann":
            return AuthResponse(routes=["*"], principal_id="ann", context={"level": 3, "vip": True})
        case "Bearer elsewhere":
            return AuthResponse(routes=[AuthRoute("/other", ["GET"])], principal_id="ann")
        case "Bearer crash":
            raise RuntimeError("key set not reachable")
        case "Bearer nothing":
            return None
        case _:
            raise Exception("Unauthorized")


@app.route("/mine", authorizer=bearer)
def mine() -> Any:
    return app.current_request.context["authorizer"]


@app.route("/items/{item_id}")
def item(item_id: str) -> Any:
    request = app.current_request
    return {"item": item_id, "query": request.query_params and dict(request.query_params)}


@app.route("/body", methods=["POST"], content_types=["text/plain", "image/png"])
def body() -> Any:
    request = app.current_request
    return {"hex": request.raw_body.hex(), "event": type(request._event_dict["body"]).__name__}


@app.route("/request")
def request() -> Any:
    time.sleep(float((app.current_request.query_params or {}).get("for", "0")))
    return {
        "requestId": app.current_request.context["requestId"],
        "n": app.current_request.headers.get("n"),
        "remaining": app.lambda_context.get_remaining_time_in_millis(),
        "context": app.lambda_context.aws_request_id,
    }


@app.route("/unusable")
def unusable() -> Any:
    return Response(body={1, 2})


@app.route("/preview", methods=["GET", "HEAD"])
def preview() -> Any:
    return Response(
        "<p>¥9.90</p>", headers={"Content-Type": "text/html", "Set-Cookie": ["a=1", "b=2"]}
    )


@app.route("/nothing", methods=["POST"], content_types=["text/plain"])
def nothing() -> Any:
    return Response(body="", status_code=204)


def _note(line: str) -> None:
    with Path(os.environ["SAMPLE_NOTES"]).open("a", encoding="utf-8") as notes:
        notes.write(line + "\n")


@app.on_dynamodb_record(
    settings().outbox_stream_arn, batch_size=7, starting_position="TRIM_HORIZON"
)
def relay(event: DynamoDBEvent) -> Any:
    records = list(event)
    for record in records:
        _note(f"{record.event_name} {record.new_image['name']['S']} {record.table_name}")
    poison = [r.sequence_number for r in records if r.new_image["name"]["S"] == "poison"]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in poison]}


@app.schedule(Rate(1, unit=Rate.MINUTES))
def steady(event: CloudWatchEvent) -> None:
    context: Any = event.context
    _note(f"steady {os.getpid()} {event.source} {context.get_remaining_time_in_millis()}")


@app.schedule("rate(5 minutes)")
def broken(event: CloudWatchEvent) -> None:
    _note("broken")
    raise RuntimeError("no broker")


@app.schedule("rate(2 hours)")
def staying(event: CloudWatchEvent) -> None:
    context: Any = event.context
    _note(f"staying {os.getpid()}")
    while context.get_remaining_time_in_millis() > 0:
        time.sleep(0.02)
    _note(f"left {os.getpid()}")


@app.schedule("cron(0 3 * * ? *)")
def nightly(event: CloudWatchEvent) -> None:
    _note("nightly")


@app.lambda_function()
def deaf(event: Any, context: Any) -> None:
    while True:
        time.sleep(1)


@app.lambda_function()
def dying(event: Any, context: Any) -> None:
    os._exit(3)


@app.lambda_function()
def greeting(event: Any, context: Any) -> None:
    if event["fail"]:
        raise RuntimeError(f"{context.function_name} failed")
