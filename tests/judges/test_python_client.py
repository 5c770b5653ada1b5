"""A Python client, generated from the document by openapi-python-client, calls every operation of the served library."""

import importlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pyotp
import pytest

_PACKAGE = "generated_library_client"
_TIMEOUT_S = 120


class Generated:
    """The generated package: its models, and its operations with every call counted."""

    def __init__(self, package: ModuleType, address: str, key: str) -> None:
        self.models = importlib.import_module(f"{package.__name__}.models")
        self._client = importlib.import_module(f"{package.__name__}.client").AuthenticatedClient
        self._address = address
        self._open = ExitStack()
        self.client = self.signed_in(key)
        self.called: set[str] = set()

    def signed_in(self, token: str) -> Any:
        """A client that sends a token."""
        return self._open.enter_context(self._client(base_url=self._address, token=token))

    def close(self) -> None:
        """Close every connection."""
        self._open.close()

    def call(self, tag: str, operation: str, *arguments: Any, status: HTTPStatus = HTTPStatus.OK, **options: Any) -> Any:
        """Call an operation and check its status; gives the parsed answer and its headers."""
        module = importlib.import_module(f"{_PACKAGE}.api.{tag}.{operation}")
        answer = module.sync_detailed(*arguments, **{"client": self.client, **options})
        assert answer.status_code == status, answer.content
        self.called.add(operation)
        return answer


@pytest.fixture(scope="module")
def document(served: Callable[[str], str]) -> dict[str, Any]:
    """The document as it is served."""
    with urllib.request.urlopen(f"{served('library')}/openapi.json", timeout=_TIMEOUT_S) as answer:  # noqa: S310 - our own server
        held: dict[str, Any] = json.load(answer)
    return held


@pytest.fixture(scope="module")
def generated(
    served: Callable[[str], str], admin_key: Callable[[str], str], document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generated]:
    """The client, generated into a temporary folder without a single warning."""
    folder = tmp_path_factory.mktemp("python-client")
    (folder / "openapi.json").write_text(json.dumps(document))
    tools = Path(sys.executable).parent
    command = [
        str(tools / "openapi-python-client"), "generate", "--path", "openapi.json", "--meta", "none", "--output-path", _PACKAGE,
        "--fail-on-warning",
    ]  # fmt: skip
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"  # it formats with ruff
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    try:
        client = Generated(importlib.import_module(_PACKAGE), served("library"), admin_key("library"))
        with closing(client):
            yield client
    finally:
        sys.path.remove(str(folder))


def test_the_generated_client_calls_every_operation(generated: Generated, document: dict[str, Any]) -> None:
    """Every operation answers what the document says, read into the models that were generated from it."""
    models, call = generated.models, generated.call

    author = call("author", "create_author", body=models.AuthorCreate(name="Ursula", email="ursula@example.org"), status=HTTPStatus.CREATED)
    assert isinstance(author.parsed.data, models.Author)
    assert author.headers["location"] == f"/api/v1/authors/{author.parsed.data.id}"
    author_id: UUID = author.parsed.data.id

    more = [models.AuthorCreate(name=name, email=f"{name}@example.org") for name in ("octavia", "stanislaw")]
    many = call("author", "bulk_create_authors", body=more, status=HTTPStatus.CREATED)
    assert [each.name for each in many.parsed.data] == ["octavia", "stanislaw"]

    body = models.BookCreate(title="The Dispossessed", author_id=author_id, price="12.50", tags=["utopia"])
    book = call("book", "create_book", body=body, include="author", status=HTTPStatus.CREATED).parsed.data
    assert (book.price, book.status, book.version, book.author.name) == ("12.50", models.BookStatus.DRAFT, 1, "Ursula")

    _read_in_every_way(generated, author_id, book)
    _change_in_every_way(generated, book)
    _undo_and_look_back(generated, book)
    _keep_accounts(generated)
    _ask_for_the_service(generated)
    assert generated.called == {each["operationId"] for item in document["paths"].values() for each in item.values()}


def _read_in_every_way(generated: Generated, author_id: UUID, book: Any) -> None:
    models, call = generated.models, generated.call
    read = call("book", "read_book", book.id)
    assert isinstance(read.parsed.data, models.Book)
    assert read.parsed.data.title == book.title
    assert isinstance(call("book", "read_book", book.id, fields="title").parsed.data, models.BookPart)
    call("book", "read_book", book.id, if_none_match=read.headers["etag"], status=HTTPStatus.NOT_MODIFIED)
    assert call("author", "read_author", author_id).parsed.data.email == "ursula@example.org"

    listed = call("book", "list_books", pricegte="10", statusin="draft,published", sort="-price", limit=1).parsed
    assert ([each.id for each in listed.data], listed.meta.total) == ([book.id], 1)
    assert call("book", "list_authors_books", author_id, titlecontains="Disp").parsed.meta.total == 1
    assert call("author", "list_authors", q="ursu").parsed.meta.total == 1

    asked = models.BookQuery(filter_=models.BookFilter(price=models.OperatorsNumber2(gte="10"), author_name="Ursula"), sort=["-price"])
    assert call("book", "query_books", body=asked).parsed.meta.total == 1
    named = models.AuthorFilter(
        or_=[models.AuthorFilter(name="octavia"), models.AuthorFilter(name=models.OperatorsText(startswith="stan"))]
    )
    assert call("author", "query_authors", body=models.AuthorQuery(filter_=named)).parsed.meta.total == 2


def _change_in_every_way(generated: Generated, book: Any) -> None:
    models, call = generated.models, generated.call
    read = call("book", "read_book", book.id)
    whole = models.BookReplace.from_dict(read.parsed.data.to_dict())  # what was read can be sent back
    replaced = call("book", "replace_book", book.id, body=whole, if_match=read.headers["etag"]).parsed.data
    assert (replaced.version, replaced.title) == (2, book.title)
    patched = call("book", "patch_book", book.id, body=models.BookPatch(status=models.BookStatus.PUBLISHED, version=2)).parsed.data
    assert (patched.version, patched.status) == (3, models.BookStatus.PUBLISHED)
    stale = call("book", "delete_book", book.id, if_match='"1-00000000"', status=HTTPStatus.PRECONDITION_FAILED).parsed
    assert stale.error.code == models.Error412ErrorCode.VERSION_CONFLICT
    assert call("book", "delete_book", book.id, version=3).parsed.data is None

    again = models.BookCreate(title="Rocannon's World", author_id=book.author_id, price=7.25)
    made = call("book", "bulk_create_books", body=[again], status=HTTPStatus.CREATED).parsed.data[0]
    assert made.price == "7.25"
    author_id = book.author_id
    used = call("author", "delete_author", author_id, if_match="*", status=HTTPStatus.CONFLICT).parsed
    assert used.error.code == models.Error409ErrorCode.REFERENCE_CONFLICT
    author = call("author", "patch_author", author_id, body=models.AuthorPatch(name="Ursula K."), if_match="*").parsed.data
    renamed = models.AuthorReplace(name="Ursula K. Le Guin", email=author.email, version=author.version)
    assert call("author", "replace_author", author_id, body=renamed).parsed.data.name == "Ursula K. Le Guin"
    call("book", "delete_book", made.id, version=1)
    call("author", "delete_author", author_id, if_match="*", prefer="return=minimal", status=HTTPStatus.NO_CONTENT)


def _undo_and_look_back(generated: Generated, book: Any) -> None:
    """Both the author and the book are deleted by now."""
    models, call = generated.models, generated.call
    assert call("author", "undelete_author", book.author_id).parsed.data.email == "ursula@example.org"
    assert call("book", "undelete_book", book.id).parsed.data.title == book.title
    history = call("book", "list_book_history", book.id).parsed
    assert [each.version for each in history.data] == sorted((each.version for each in history.data), reverse=True)
    assert call("author", "list_author_history", book.author_id, limit=1).parsed.meta.limit == 1

    author = {"name": "Joanna", "email": "joanna@example.org"}
    operations = [
        {"method": "POST", "path": "/authors", "body": author, "as": "a"},
        {"method": "POST", "path": "/books", "body": {"title": "The Female Man", "author_id": "$a.id", "price": "9.00"}},
    ]
    request, key = models.BatchRequest.from_dict({"operations": operations}), "0190b8f0-batch"
    first = call("batch", "apply_batch", body=request, idempotency_key=key)
    assert [each.status for each in first.parsed.data] == [201, 201]
    again = call("batch", "apply_batch", body=request, idempotency_key=key)
    assert (again.headers["idempotency-replayed"], again.content) == ("true", first.content)

    changes = call("service", "list_changes", resource=models.ListChangesResource.AUTHORS).parsed
    assert changes.data[-1].after.to_dict()["name"] == "Joanna"


def _keep_accounts(generated: Generated) -> None:
    """A user is made, changed, deleted and brought back; then signs in, and out."""
    models, call = generated.models, generated.call
    password = "a long enough passphrase"  # noqa: S105 - of nobody
    body = models.UserCreate(email="ann@example.org", password=password, roles=[models.UserCreateRolesItem.EDITOR])
    user = call("user", "create_user", body=body, status=HTTPStatus.CREATED).parsed.data
    more = [models.UserCreate(email="bob@example.org")]
    assert call("user", "bulk_create_users", body=more, status=HTTPStatus.CREATED).parsed.data[0].roles == []
    assert call("user", "read_user", user.id).parsed.data.email == "ann@example.org"
    assert call("user", "list_users", emailstartswith="ann").parsed.meta.total == 1
    assert call("user", "query_users", body=models.UserQuery(filter_=models.UserFilter(email="bob@example.org"))).parsed.meta.total == 1
    assert call("user", "patch_user", user.id, body=models.UserPatch(active=False), if_match="*").parsed.data.active is False
    whole = models.UserReplace(email="ann@example.org", roles=[], version=2)
    assert call("user", "replace_user", user.id, body=whole).parsed.data.active is True
    call("user", "delete_user", user.id, if_match="*")
    assert call("user", "undelete_user", user.id).parsed.data.version > user.version
    call("user", "patch_user", user.id, body=models.UserPatch(password=password), if_match="*")  # what is secret is not brought back
    assert call("user", "list_user_history", user.id, limit=1).parsed.meta.limit == 1
    _sign_in_and_out(generated, password)


def _sign_in_and_out(generated: Generated, password: str) -> None:
    models, call = generated.models, generated.call
    email, new = "ann@example.org", "another long passphrase"
    pair = call("accounts", "sign_in", body=models.SignInBody(email=email, password=password)).parsed.data
    ann = generated.signed_in(pair.access_token)
    assert call("accounts", "read_me", client=ann).parsed.data.email == email
    _use_a_second_factor(generated, ann, password)
    call("accounts", "verify_email", client=ann, body=models.VerifyEmailBody())
    call("accounts", "ask_reset", body=models.AskResetBody(email=email))
    made_up = models.ConfirmResetBody(token="made up", password=new)  # noqa: S106 - nor of anyone
    call("accounts", "confirm_reset", body=made_up, status=HTTPStatus.UNAUTHORIZED)
    call("accounts", "change_password", client=ann, body=models.ChangePasswordBody(current=password, new=new))
    other = call("accounts", "sign_in", body=models.SignInBody(email=email, password=new)).parsed.data
    others = [each for each in call("accounts", "list_sessions", client=ann).parsed.data if not each.current]
    call("accounts", "revoke_session", others[0].id, client=ann)
    call("accounts", "read_me", client=generated.signed_in(other.access_token), status=HTTPStatus.UNAUTHORIZED)
    fresh = call("accounts", "refresh_session", body=models.RefreshSessionBody(refresh_token=pair.refresh_token)).parsed.data
    call("accounts", "sign_out", client=generated.signed_in(fresh.access_token))


def _use_a_second_factor(generated: Generated, ann: Any, password: str) -> None:
    models, call = generated.models, generated.call
    secret = call("accounts", "enrol_totp", client=ann, body=models.EnrolTotpBody(password=password)).parsed.data.secret
    code = pyotp.TOTP(secret).now()
    codes = call("accounts", "confirm_totp", client=ann, body=models.ConfirmTotpBody(totp=code)).parsed.data.recovery_codes
    call("accounts", "disable_totp", client=ann, body=models.DisableTotpBody(password=password, totp=codes[0]))


def _ask_for_the_service(generated: Generated) -> None:
    call = generated.call
    assert call("service", "check_health").parsed.data.status == "alive"
    assert call("service", "check_readiness").parsed.data.status == "ready"
    assert "holdfast" in call("service", "read_metrics").content.decode()
    assert call("service", "read_openapi").content.startswith(b"{")
    assert "swagger-ui" in call("service", "show_docs").content.decode()
