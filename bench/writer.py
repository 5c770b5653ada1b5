"""Creates at a steady pace until it is terminated: `python -m bench.writer PORT PER_SECOND`."""

import http.client
import itertools
import json
import sys
import time

from bench.data import make_item


def main(port: int, per_second: int) -> None:
    """Create one record after another, each at its time; a late one is not skipped."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    began = time.perf_counter()
    for number in itertools.count():
        time.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        body = json.dumps(make_item(number, categories=2))
        connection.request("POST", "/api/v1/items", body, {"Content-Type": "application/json"})
        connection.getresponse().read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
