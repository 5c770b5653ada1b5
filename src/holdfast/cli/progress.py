"""The progress bar of a load, on a terminal."""

from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from holdfast.engine.load import Loaded


class ProgressBar:
    """Shows how far a file has been read and how many rows were dealt with; gone when it is done."""

    def __init__(self, name: str, total_bytes: int) -> None:
        rows = TextColumn("{task.fields[rows]:,} rows")
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), rows, TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task: TaskID = self._progress.add_task(name, total=total_bytes, rows=0)

    def __enter__(self) -> Callable[[Loaded], None]:
        self._progress.start()
        return self._show

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def _show(self, loaded: Loaded) -> None:
        self._progress.update(self._task, completed=loaded.bytes_read, rows=loaded.rows)
