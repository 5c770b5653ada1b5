"""Reading ahead in another process: the same items, the same refusals, and an end that nobody has to wait for."""

import os
from collections.abc import Iterator
from functools import partial
from itertools import count
from threading import Event, Thread

import pytest

from holdfast.base.errors import Broken, Misconfigured
from holdfast.engine.ahead import read_ahead


def tell_process(items: int) -> Iterator[tuple[int, int]]:
    """Numbers, each with the process that made it."""
    for number in range(items):
        yield number, os.getpid()


def refuse_after_one() -> Iterator[int]:
    """One item, then a mistake of the developer."""
    yield 1
    raise Misconfigured("rows.csv:1", "The header names a twice.", "Give every column one name.")


def die_after_one() -> Iterator[int]:
    """One item, then nothing: the process is killed."""
    yield 1
    os.kill(os.getpid(), 9)


def test_items_come_in_order_from_another_process() -> None:
    """Every item arrives once, in order, made elsewhere."""
    with read_ahead(partial(tell_process, 1_000)) as items:
        made = list(items)
    assert [number for number, _ in made] == list(range(1_000))
    assert {process for _, process in made}.isdisjoint({os.getpid()})


def test_a_mistake_is_told_as_it_is_here() -> None:
    """Misconfigured crosses with all its words, after what came before it."""
    with read_ahead(refuse_after_one) as items:
        assert next(items) == 1
        with pytest.raises(Misconfigured) as refused:
            next(items)
    told = refused.value
    assert (told.place, told.problem, told.mend) == ("rows.csv:1", "The header names a twice.", "Give every column one name.")


def test_a_process_that_dies_is_no_end() -> None:
    """What was not read is never taken for nothing: a process that is gone before its end is an error."""
    with read_ahead(die_after_one) as items:
        assert next(items) == 1
        with pytest.raises(Broken):
            next(items)


def test_a_process_with_threads_is_not_copied() -> None:
    """A copy would have the locks of threads that it does not have. The items are the same either way."""
    done = Event()
    waiting = Thread(target=done.wait)
    waiting.start()
    try:
        with read_ahead(partial(tell_process, 3)) as items:
            assert [number for number, _ in items] == [0, 1, 2]
    finally:
        done.set()
        waiting.join()


def test_leaving_early_ends_the_process() -> None:
    """Who leaves before the end waits for nothing: the process ends with its next item, of any number."""
    with read_ahead(count) as items:
        assert [next(items), next(items)] == [0, 1]
