"""The tallies say what the client library's own counters and histogram would say."""

import random

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from caddy_shopping.platform.telemetry.tally import HttpTally, Tally

BUCKETS = (0.001, 0.01, 0.5, 1.0)


def lines(registry: CollectorRegistry) -> set[str]:
    return {line for line in generate_latest(registry).decode().splitlines() if "_created" not in line}


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

    assert lines(ours) == lines(theirs)
    assert len(lines(ours)) > 30


def test_one_label() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("lookups", "Looked up.", "result", ("hit", "miss"))
    ours.register(tally)
    counter = Counter("lookups_total", "Looked up.", ["result"], registry=theirs)
    counter.labels("miss")
    for _ in range(3):
        tally.count("hit")
        counter.labels("hit").inc()
    assert lines(ours) == lines(theirs)
    assert 'lookups_total{result="miss"} 0.0' in lines(ours), "what did not happen yet is there to be watched"
