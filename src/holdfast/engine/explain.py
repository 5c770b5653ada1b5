"""`holdfast explain`: finds a request in the log files by its id and tells everything that is known of it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.base.errors import CATALOGUE, Family
from holdfast.engine.log import FOLDER, RequestLine

_MENDED_BY = {
    Family.CALLER: "the caller: the request itself must change",
    Family.TIME: "time: the same request may be sent again",
    Family.US: "us: this is a fault on our side",
}


def find_requests(data: Path, request_id: str) -> tuple[RequestLine, ...]:
    """Every request with this id in the log files under <data>, the newest first; clients choose ids, so there may be several."""
    needle = f'"request_id":{msgspec.json.encode(request_id).decode()}'.encode()
    found = {(each.at, each.worker): each for path in _files(data) for each in _scan(path, needle)}
    return tuple(found[key] for key in sorted(found, reverse=True))


def _files(data: Path) -> list[Path]:
    folder = data / FOLDER
    return [*folder.glob("errors-*.jsonl"), *folder.glob("requests-*.jsonl")]


def _scan(path: Path, needle: bytes) -> Iterator[RequestLine]:
    with path.open("rb") as file:
        for line in file:
            if needle in line:
                try:
                    yield msgspec.json.decode(line, type=RequestLine)
                except msgspec.DecodeError:
                    continue  # a line that was cut when the disk was full


def write_report(line: RequestLine) -> str:
    """Tell one request, for people."""
    problem = CATALOGUE.get(line.code or "")
    facts = [
        ("request", line.request_id),
        ("when", f"{line.at}  (worker {line.worker})"),
        ("what", f"{line.method} {line.path}"),
        ("route", line.route or "none matched"),
        ("from", line.peer),
        ("answer", f"{line.status}{f' {line.code}' if line.code else ''}"),
        ("took", f"{line.elapsed_ms:.1f} ms: store {line.store_ms:.1f} ms, everything else {line.elapsed_ms - line.store_ms:.1f} ms"),
        ("bytes", f"{line.bytes_in} in, {line.bytes_out} out"),
    ]
    if line.trace_id is not None:
        facts.append(("trace", f"{line.trace_id}, span {line.span_id} below {line.parent_span_id}"))
    if line.parameters:
        facts.append(("asked by", ", ".join(line.parameters)))
    facts += [("wrong", fault) for fault in line.faults]
    if problem is not None:
        facts += [("means", problem.message), ("mended by", _MENDED_BY[problem.family])]
        if problem.hint and problem.family is not Family.US:
            facts.append(("next", problem.hint))
    told = "\n".join(f"{name:>10}  {value}" for name, value in facts)
    return f"{told}\n\n{line.cause.rstrip()}" if line.cause else told
