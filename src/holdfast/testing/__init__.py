"""A client for tests: the whole API of a Backend in this process, on a throw-away database.

    with Client(backend) as client:
        made = client.post("/api/v1/books", json={"title": "Emma"})
        assert made.status == 201
        assert made.data["title"] == "Emma"

The real engine and the real store answer, in a thread of their own; only the sockets are left out. Request heads pass the same parser as
on the wire, so what a server would refuse is refused here too. Rate limits are off unless a setting says otherwise.
"""

from holdfast.testing.client import Client
from holdfast.testing.response import Headers, Response

__all__ = ["Client", "Headers", "Response"]
