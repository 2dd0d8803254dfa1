"""Drives wrk and reads what it measured."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_REPORT = """
done = function(summary, latency, requests)
  io.write(string.format(
    'JSON{"requests":%d,"microseconds":%d,"p50":%d,"p95":%d,"p99":%d,"refused":%d,"broken":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One request, repeated. `tokens` are used in turn; `bodies` too."""

    path: str
    method: str = "GET"
    tokens: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()

    def script(self) -> str:
        tokens = ",".join(json.dumps(token) for token in self.tokens)
        bodies = ",".join(json.dumps(body) for body in self.bodies)
        return f"""
local tokens, bodies, n = {{{tokens}}}, {{{bodies}}}, 0
request = function()
  n = n + 1
  local headers = {{["Content-Type"] = "application/json"}}
  if #tokens > 0 then headers["Authorization"] = "Bearer " .. tokens[n % #tokens + 1] end
  local body = #bodies > 0 and bodies[n % #bodies + 1] or nil
  return wrk.format({json.dumps(self.method)}, {json.dumps(self.path)}, headers, body)
end
{_REPORT}"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Requests a second, latencies in milliseconds, and answers that were not 2xx or 3xx."""

    per_second: float
    p50: float
    p95: float
    p99: float
    refused: int


def drive(url: str, load: Load, *, connections: int, seconds: float) -> Figures:
    """Run wrk with one thread (the server has the other core). Raises where connections broke."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(load.script())
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", script.name, url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in output.splitlines() if line.startswith("JSON")]
    measured = json.loads(line[4:])
    if measured["broken"]:
        raise RuntimeError(f"{measured['broken']} connections broke under {load.method} {load.path}:\n{output}")
    return Figures(
        per_second=measured["requests"] / measured["microseconds"] * 1e6,
        p50=measured["p50"] / 1000,
        p95=measured["p95"] / 1000,
        p99=measured["p99"] / 1000,
        refused=measured["refused"],
    )


def installed() -> bool:
    """Whether wrk is on this machine."""
    return any(Path(folder, "wrk").exists() for folder in ("/usr/bin", "/usr/local/bin"))
