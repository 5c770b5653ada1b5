"""The mark of forwarding headers that did not count: one warning for a server, one file for `doctor`."""

from pathlib import Path

from holdfast.engine.forwarded import FILE, MARK_EVERY_S, ForwardedWatch, Mark, read_mark


class Watched:
    """A watch whose time the test sets."""

    def __init__(self, data: Path, since_s: float) -> None:
        self.now_s = since_s
        self.said: list[str] = []
        self.watch = ForwardedWatch(data, since_s=since_s, now_s=lambda: self.now_s, warn=self.said.append)


def test_the_first_worker_warns_and_the_others_do_not(tmp_path: Path) -> None:
    """Once for all workers of a server, however many requests come; the next server warns again."""
    first, second = Watched(tmp_path, 1_000.0), Watched(tmp_path, 1_000.0)
    for _ in range(3):
        first.now_s += 1
        second.now_s += 1
        first.watch.note("192.0.2.1")
        second.watch.note("192.0.2.1")
    assert (len(first.said), second.said) == (1, [])
    assert "192.0.2.1" in first.said[0]

    restarted = Watched(tmp_path, 2_000.0)
    restarted.watch.note("192.0.2.1")
    assert len(restarted.said) == 1


def test_the_mark_says_who_and_when_and_is_renewed(tmp_path: Path) -> None:
    """So that `doctor` can tell whether it still happens."""
    watched = Watched(tmp_path, 1_000.0)
    watched.watch.note("192.0.2.1")
    assert read_mark(tmp_path / FILE) == Mark("192.0.2.1", 1_000.0)

    watched.now_s += MARK_EVERY_S - 1
    watched.watch.note("192.0.2.2")
    assert read_mark(tmp_path / FILE) == Mark("192.0.2.1", 1_000.0)
    watched.now_s += 1
    watched.watch.note("192.0.2.2")
    assert read_mark(tmp_path / FILE) == Mark("192.0.2.2", 1_000.0 + MARK_EVERY_S)
    assert len(watched.said) == 1


def test_a_folder_that_takes_no_file_is_left_alone(tmp_path: Path) -> None:
    """The warning is said all the same."""
    watched = Watched(tmp_path / "missing", 0.0)
    watched.watch.note("192.0.2.1")

    assert len(watched.said) == 1
    assert read_mark(tmp_path / "missing" / FILE) is None
