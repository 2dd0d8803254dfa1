"""Requests counted with plain numbers, put into Prometheus' terms when they are asked for.

An answer from memory takes some microseconds, and the client library's locked counters would take most of them.
What is here belongs to one event loop: it takes no lock.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Route = tuple[str, str]
"""Method and route."""


class Tally(Collector):
    """A counter with one label, of which every value is known."""

    def __init__(self, name: str, text: str, label: str, values: Sequence[str]) -> None:
        self._name, self._text, self._label = name, text, label
        self._numbers = dict.fromkeys(values, 0)

    def count(self, value: str) -> None:
        """Count one more."""
        self._numbers[value] += 1

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._text, labels=[self._label])
        for value, number in self._numbers.items():
            family.add_metric([value], number)
        yield family


class _Series:
    """The answers of one route."""

    __slots__ = ("answers", "seconds", "times")

    def __init__(self, buckets: int) -> None:
        self.answers: dict[int, int] = {}
        self.times = [0] * buckets
        self.seconds = 0.0


class HttpTally(Collector):
    """`http_requests_total` and `http_request_duration_seconds`."""

    def __init__(self, buckets: Sequence[float]) -> None:
        self._bounds = [*buckets, float("inf")]
        self._series: dict[Route, _Series] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer that took so long."""
        asked = (method, route)
        series = self._series.get(asked)
        if series is None:
            series = self._series[asked] = _Series(len(self._bounds))
        series.answers[status] = series.answers.get(status, 0) + 1
        series.times[bisect_left(self._bounds, seconds)] += 1
        series.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("http_requests", "Answers given.", labels=["method", "route", "status_code"])
        times = HistogramMetricFamily(
            "http_request_duration_seconds",
            "From the first byte of the request to the last of the answer.",
            labels=["method", "route"],
        )
        for (method, route), series in self._series.items():
            for status, number in series.answers.items():
                answers.add_metric([method, route, str(status)], number)
            times.add_metric([method, route], self._buckets(series), series.seconds)
        yield answers
        yield times

    def _buckets(self, series: _Series) -> list[tuple[str, float]]:
        below, buckets = 0, list[tuple[str, float]]()
        for bound, number in zip(self._bounds, series.times, strict=True):
            below += number
            buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
        return buckets
