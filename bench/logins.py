"""Sign-ins at a steady pace until it is terminated: `python -m bench.logins PORT PER_SECOND EMAIL PASSWORD`.

Prints one JSON line: how many got which status.
"""

import asyncio
import itertools
import json
import signal
import sys
from collections import Counter

from bench.measure import post


async def _sign_in(port: int, request: bytes, statuses: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    statuses[(await reader.readline())[9:12].decode()] += 1
    writer.close()


async def main(port: int, per_second: int, email: str, password: str) -> None:
    """Offer one sign-in after another, each at its time, however many are not answered yet."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    request = post("/api/v1/auth/login", {"email": email, "password": password})
    statuses: Counter[str] = Counter()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in itertools.count():
            await asyncio.sleep(began + number / per_second - loop.time())
            if over.is_set():
                break
            tasks.create_task(_sign_in(port, request, statuses))
    sys.stdout.write(json.dumps(statuses))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
