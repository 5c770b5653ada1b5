"""Holdfast behind its ASGI door, on stock uvicorn."""

import os
from pathlib import Path

from holdfast.app.worker import ServiceMaker
from holdfast.http.asgi import AsgiDoor
from holdfast.settings import Settings

app = AsgiDoor(ServiceMaker(Settings(app="bench/apps/items.py", data=Path(os.environ["BENCH_DATA"]), rate_limit="off")))
