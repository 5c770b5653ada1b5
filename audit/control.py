"""A service with a hole, so that a run shows that sqlmap finds one: a judge that finds nothing anywhere has not judged.

python -m audit.control: prints its port
"""

import json
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse


class _Handler(BaseHTTPRequestHandler):
    database = sqlite3.connect(":memory:", check_same_thread=False)
    lock = threading.Lock()

    def do_GET(self) -> None:
        """Answer a search by concatenated SQL."""
        word = parse_qs(urlparse(self.path).query).get("q", [""])[0]
        try:
            with self.lock:
                rows = self.database.execute("SELECT title FROM books WHERE title LIKE '%" + word + "%'").fetchall()  # noqa: S608 - the hole
            status = 200
        except sqlite3.Error as error:
            rows, status = [(str(error),)], 500
        body = json.dumps(rows).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
        """Say nothing."""


def main() -> None:
    """Serve on loopback until the process is ended."""
    _Handler.database.executescript("CREATE TABLE books (title TEXT); INSERT INTO books VALUES ('Solaris'), ('Eden'), ('Fiasco');")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
