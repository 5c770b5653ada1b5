"""50 sign-ins a second are offered for some seconds while others read: reads must stay quick, however dear a password is to hash.

What cannot be hashed in time is refused (503 overloaded): that is the promise, not a finding.
"""

import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from audit.served import Served

RATE_PER_S, LASTS_S, READERS = 50, 10, 2
READ_P95_MAX_S = 0.2
_SENDERS = 64
_READ_EVERY_S = 0.01  # a reader asks, waits a little and asks again: a crowd of its own would measure only itself
_EMAIL, _PASSWORD = "crowd@example.org", "a long enough passphrase"


def measure_logins(served: Served, folder: Path) -> Iterator[str]:
    """What does not hold, one line each; the figures are in logins.json."""
    served.ask("POST", "/api/v1/users", {"email": _EMAIL, "password": _PASSWORD})
    alone = _read(served, lasts_s=3)
    statuses = Counter[int]()
    began_s = time.monotonic()
    senders = [threading.Thread(target=_offer, args=(served, began_s, index, statuses)) for index in range(_SENDERS)]
    latencies: list[float] = []
    readers = [threading.Thread(target=lambda: latencies.extend(_read(served, lasts_s=LASTS_S))) for _ in range(READERS)]
    for each in (*senders, *readers):
        each.start()
    for each in (*senders, *readers):
        each.join()
    figures = {
        "reads_alone_p95_ms": round(_p95(alone) * 1_000, 1),
        "reads_p95_ms": round(_p95(latencies) * 1_000, 1),
        "reads": len(latencies),
        "logins": {str(status): count for status, count in sorted(statuses.items())},
    }
    (folder / "logins.json").write_text(json.dumps(figures))
    if _p95(latencies) >= READ_P95_MAX_S:
        yield f"reads beside {RATE_PER_S} sign-ins a second: {figures}"
    if not statuses.keys() <= {200, 503} or statuses[200] == 0:
        yield f"sign-ins were answered otherwise than by 200 and 503: {figures}"


def _offer(served: Served, began_s: float, index: int, statuses: "Counter[int]") -> None:
    """Every 64th of the sign-ins, each at its time, whatever became of the one before."""
    body = json.dumps({"email": _EMAIL, "password": _PASSWORD})
    connection = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=30)
    for number in range(index, RATE_PER_S * LASTS_S, _SENDERS):
        time.sleep(max(0.0, began_s + number / RATE_PER_S - time.monotonic()))
        connection.request("POST", "/api/v1/auth/login", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses[answer.status] += 1
    connection.close()


def _read(served: Served, *, lasts_s: float) -> list[float]:
    """How long each read took, one after the other on one connection."""
    connection = http.client.HTTPConnection(urlsplit(served.address).netloc, timeout=30)
    headers, path = {"authorization": f"Bearer {served.keys['editor']}"}, f"/api/v1/books/{served.ids['book']}"
    took: list[float] = []
    until_s = time.monotonic() + lasts_s
    while time.monotonic() < until_s:
        started_s = time.monotonic()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == HTTPStatus.OK, answer.status
        took.append(time.monotonic() - started_s)
        time.sleep(_READ_EVERY_S)
    connection.close()
    return took


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
