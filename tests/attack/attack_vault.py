"""What is attacked: a vault in which every way to hide something occurs, with a keeper, an owner and a stranger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from holdfast import Access, Backend, Ref, Resource, field, owner, role, signed_in
from holdfast.testing import Client, Response

API = "/api/v1"
ABSENT_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
"""A sound id that no record has."""

PASSWORD = "a long enough passphrase"  # noqa: S105  # of nobody
ENOUGH = "another long passphrase"


class Folder(Resource):
    """Where files are kept: its owner's and the keepers'."""

    label: str
    note: str | None = field(default=None, readable_by=role("keeper"))

    access = Access(read=owner | role("keeper"), write=signed_in)


class File(Resource):
    """Something that its owner and the keepers may know of."""

    name: str = field(max_length=80, search=True)
    folder: Ref[Folder] | None = field(default=None, on_delete="set_null")
    number: str | None = field(default=None, unique=True)
    clue: str | None = field(default=None, readable_by=role("keeper"), search=True)
    grade: int = field(default=1, writable_by=role("keeper"))
    rank: int = field(default=7, readonly=True)
    kind: str = field(default="plain", immutable=True)
    code: str | None = field(default=None, secret="hashed")  # noqa: S106
    seed: str | None = field(default=None, secret="encrypted")  # noqa: S106

    access = Access(read=owner | role("keeper"), create=signed_in, update=owner | role("keeper"), delete=owner)


backend = Backend(Folder, File)


@dataclass(frozen=True)
class Vault:
    """The vault with its people.

    keeper, owner, stranger  their tokens
    folder, file             the owner's
    """

    client: Client
    keeper: str
    owner: str
    stranger: str
    folder: dict[str, Any]
    file: dict[str, Any]

    def ask(self, method: str, path: str, who: str | None = None, **parts: Any) -> Response:
        """Send a request by a token, or by nobody's."""
        headers = list(dict(parts.pop("headers", None) or {}).items())
        if who is not None:
            headers.append(("authorization", f"Bearer {who}"))
        full = path if path.startswith(("/api", "/healthz", "/openapi", "/docs", "/metrics", "/readyz")) else API + path
        return self.client.request(method, full, headers=headers, **parts)


@contextmanager
def open_vault(**settings: Any) -> Iterator[Vault]:
    """A vault on a database of its own."""
    with Client(backend, **settings) as client:
        keeper, owned, stranger = client.add_key("keeper"), client.add_key(), client.add_key()
        vault = Vault(client, keeper, owned, stranger, {}, {})
        folder = vault.ask("POST", "/folders", keeper, json={"label": "Deep", "note": "under the stairs"})
        assert folder.status == 201, folder
        hers = vault.ask("POST", "/folders", owned, json={"label": "Hers"})
        made = {"name": "Plan", "folder_id": hers.data["id"], "number": "F-1", "code": "open sesame", "seed": "seven seeds"}
        file = vault.ask("POST", "/files", owned, json=made)
        assert file.status == 201, file
        told = vault.ask("PATCH", f"/files/{file.data['id']}", keeper, json={"clue": "m4gpie", "version": 1})
        assert told.status == 200, told
        vault.folder.update(folder.data)
        vault.file.update(vault.ask("GET", f"/files/{file.data['id']}", owned).data)
        yield vault
