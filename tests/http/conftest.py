"""Fixtures of the door tests: one server for all of a module, and a log that must stay silent."""

import logging
from collections.abc import Iterator

import pytest
from http_harness import Serving, serve


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """A server with the default bounds."""
    with serve() as running:
        yield running


@pytest.fixture
def silent(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever the client does, nothing of it may reach the log."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records] == []
