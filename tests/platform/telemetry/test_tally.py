"""The tally says what the client library's own counter and histogram would say."""

import random

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from caddy_shopping.platform.telemetry.tally import HttpTally

BUCKETS = (0.001, 0.01, 0.5, 1.0)


def test_the_same_as_with_the_librarys_own() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = HttpTally(BUCKETS)
    ours.register(tally)
    counter = Counter("http_requests_total", "Answers given.", ["method", "route", "status_code"], registry=theirs)
    histogram = Histogram(
        "http_request_duration_seconds",
        "From the first byte of the request to the last of the answer.",
        ["method", "route"],
        buckets=BUCKETS,
        registry=theirs,
    )
    chance = random.Random(1)
    for _ in range(500):
        method, route, status = chance.choice(["GET", "POST"]), chance.choice(["/a", "/b"]), chance.choice([200, 404])
        seconds = chance.choice([0.001, 0.01, 0.5, 1.0, chance.random() * 2])
        tally.count(method, route, status, seconds)
        counter.labels(method, route, str(status)).inc()
        histogram.labels(method, route).observe(seconds)

    def lines(registry: CollectorRegistry) -> set[str]:
        return {line for line in generate_latest(registry).decode().splitlines() if "_created" not in line}

    assert lines(ours) == lines(theirs)
    assert len(lines(ours)) > 30
