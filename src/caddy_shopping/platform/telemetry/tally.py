"""Requests counted with plain numbers, put into Prometheus' terms when they are asked for.

An answer from memory takes some microseconds, and the client library's locked counters would take most of them.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Route = tuple[str, str]
"""Method and route."""


class HttpTally(Collector):
    """`http_requests_total` and `http_request_duration_seconds`. Belongs to one event loop: it takes no lock."""

    def __init__(self, buckets: Sequence[float]) -> None:
        self._bounds = [*buckets, float("inf")]
        self._answers: dict[tuple[str, str, int], int] = {}
        self._times: dict[Route, list[int]] = {}
        self._sums: dict[Route, float] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer that took so long."""
        answer, asked = (method, route, status), (method, route)
        self._answers[answer] = self._answers.get(answer, 0) + 1
        times = self._times.get(asked)
        if times is None:
            times = self._times[asked] = [0] * len(self._bounds)
            self._sums[asked] = 0.0
        times[bisect_left(self._bounds, seconds)] += 1
        self._sums[asked] += seconds

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("http_requests", "Answers given.", labels=["method", "route", "status_code"])
        for (method, route, status), number in self._answers.items():
            answers.add_metric([method, route, str(status)], number)
        yield answers
        times = HistogramMetricFamily(
            "http_request_duration_seconds",
            "From the first byte of the request to the last of the answer.",
            labels=["method", "route"],
        )
        for asked, numbers in self._times.items():
            below, buckets = 0, list[tuple[str, float]]()
            for bound, number in zip(self._bounds, numbers, strict=True):
                below += number
                buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
            times.add_metric(list(asked), buckets, self._sums[asked])
        yield times
