"""The floor: a bare ASGI app that answers prepared bytes and headers, on stock uvicorn."""

import json
import os
from pathlib import Path
from typing import Any

_PREPARED = json.loads(Path(os.environ["BENCH_BARE_ANSWER"]).read_text("utf-8"))
_BODY = _PREPARED["body"].encode()
_HEADERS = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in _PREPARED["headers"]]


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - the ASGI signature
    """Answer everything alike."""
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
