"""A client that holds every answer to the OpenAPI document of its service: the status and each header are told there."""

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

import jsonschema_rs
from story_case import Asks

from holdfast.testing import Response
from holdfast.testing.client import Parts

FRAMING = frozenset({"content-type", "content-length", "transfer-encoding", "connection", "date"})
"""What frames a message is HTTP's own, and is told by no document."""


class Documented:
    """A client whose answers are all as the document says. `met` is (operationId, status) of each."""

    def __init__(self, client: Asks) -> None:
        self._client = client
        self.document: dict[str, Any] = client.request("GET", "/openapi.json").json()
        self.met: set[tuple[str, str]] = set()

    def request(self, method: str, path: str, **parts: Unpack[Parts]) -> Response:
        """Send one request, and compare its answer with what is told of its operation."""
        answer = self._client.request(method, path, **parts)
        operation = self._find(method, path.partition("?")[0])
        self.met.add((operation["operationId"], str(answer.status)))
        self.judge(operation, answer.status, answer.headers)
        return answer

    def judge(self, operation: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> None:
        """See that the status is told, that no header is sent that is not, and that none is left out that must be sent."""
        name = f"{operation['operationId']} {status}"
        assert str(status) in operation["responses"], f"{name} is not told"
        told = {name.lower(): self._follow(each) for name, each in self._follow(operation["responses"][str(status)])["headers"].items()}
        sent = {name.lower(): value for name, value in headers.items() if name.lower() not in FRAMING}
        assert sent.keys() <= told.keys(), f"{name} does not tell {sent.keys() - told.keys()}"
        needed = {name for name, each in told.items() if each.get("required")}
        assert needed <= sent.keys(), f"{name} lacks {needed - sent.keys()}"
        for header, value in sent.items():
            schema = told[header]["schema"]
            read = int(value) if schema["type"] == "integer" else value
            assert jsonschema_rs.Draft202012Validator(schema).is_valid(read), f"{name} has {header}: {value}"

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(method, path template, operation) of every operation."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def successes(self) -> set[tuple[str, str]]:
        """(operationId, status) of every success that is told."""
        return {(each["operationId"], status) for _, _, each in self.operations() for status in each["responses"] if status < "400"}

    def _find(self, method: str, path: str) -> Mapping[str, Any]:
        """The operation of a request: a fixed path goes before one with a parameter."""
        steps = path.split("/")
        alike = [each for each in self.document["paths"] if _fits(each.split("/"), steps)]
        operation: Mapping[str, Any] = self.document["paths"][min(alike, key=lambda each: each.count("{"))][method.lower()]
        return operation

    def _follow(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part itself, or the component that it refers to."""
        if "$ref" not in part:
            return part
        _, _, kind, name = part["$ref"].split("/")
        component: Mapping[str, Any] = self.document["components"][kind][name]
        return component


def _fits(template: list[str], steps: list[str]) -> bool:
    return len(template) == len(steps) and all(each == step or each.startswith("{") for each, step in zip(template, steps, strict=True))
