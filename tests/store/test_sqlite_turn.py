"""The turn: the right to write passes from one to another, and never stays with the dead."""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

from writer_bench import waiting_for_turn

from holdfast.store.sqlite.turn import Turn


def test_who_holds_the_turn_sees_that_another_waits(tmp_path: Path) -> None:
    """Only while somebody does; to look takes nobody's place."""
    ours = Turn(tmp_path)
    with ExitStack() as waiting, ours:
        seen = [ours.is_awaited()]
        waiting.enter_context(waiting_for_turn(tmp_path))
        seen += [ours.is_awaited(), ours.is_awaited()]
    assert [*seen, ours.is_awaited()] == [False, True, True, False]
    ours.close()


def test_the_turn_passes_in_the_order_of_asking(tmp_path: Path) -> None:
    """Who holds the turn and asks again goes behind the one who waits."""
    order: list[str] = []
    first, second = Turn(tmp_path), Turn(tmp_path)
    waiting = Thread(target=lambda: _take(second, "waiting", order))
    with first:
        waiting.start()
        time.sleep(0.05)
    _take(first, "again", order)
    waiting.join()
    assert order == ["waiting", "again"]
    first.close()
    second.close()


def _take(turn: Turn, name: str, order: list[str]) -> None:
    with turn:
        order.append(name)


def test_the_turn_is_given_up_by_a_process_that_dies(tmp_path: Path) -> None:
    """A killed holder leaves no lock behind."""
    script = (
        "import sys, time; from pathlib import Path; from holdfast.store.sqlite.turn import Turn\n"
        "with Turn(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.wait()
    holder.stdout.close()
    turn = Turn(tmp_path)
    with turn:
        pass
    turn.close()
