"""Verification: whether the data are what was written. Reads in short steps and changes nothing; writers go on meanwhile.

chain       every seal proves its entries, every entry its payloads, and no seal known outside is missing
rows        every row is what the last entry about it says, and was so at each change; no record is lost
references  every reference leads to a record
search      the full-text index has every record of a searched resource, and no other
engine      structure, constraints and unique indexes, by the database's own check
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from holdfast.core.journal import NO_SEAL, SECRETS, EntryHead, Seal, Sign, fingerprint_of, fold_seal, hash_payload, make_seal
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.ports.audit import Audit, AuditedRow, AuditFault, Break, Entry

STEP_ENTRIES = 2_000  # read at once: some milliseconds
STEP_SEALS = 500
STEP_ROWS = 1_000
FINDINGS_MAX = 1_000  # beyond, the picture is clear

Key = tuple[str, str]
"""A record: the path of its resource, its id."""


class Finding(NamedTuple):
    """Something that does not hold: which check found it, where, what is wrong, and what to do."""

    check: str
    place: str
    problem: str
    mend: str


class Anchor(NamedTuple):
    """A seal that is known outside the database, and where it was found."""

    seq: int
    seal: bytes
    source: str


class Progress(NamedTuple):
    """How far one check is."""

    check: str
    done: int
    total: int


Tell = Callable[[Progress], None]

_RESTORE = "Stop writing, keep a copy of this database, and compare it with the newest backup from before the change."
_SEARCH = "Write the record again as it is: that puts it into the index. Where there are many, `holdfast dump` and `holdfast load` them."
_RECORD = "`GET {place}/history` tells what it was; write the right values again, or restore a backup."
_SEALED = "Set every secret of it anew, for the journal does not hold it; and look what was done with the one that was put in its place."


class Verifier:
    """Runs every check once. `findings` and the counts are complete when `run` has returned.

    anchors  seals known outside the database, the newest of which must still be there
    """

    def __init__(self, audit: Audit, catalog: Catalog, sign: Sign, anchors: Sequence[Anchor] = (), tell: Tell = lambda _: None) -> None:
        self._audit, self._catalog, self._sign, self._anchors, self._tell = audit, catalog, sign, anchors, tell
        self.findings: list[Finding] = []
        self.entries = self.seals = self.rows = self.erased = 0
        self.last_seal: Seal | None = None
        self._can_prove = True
        self._emptied: dict[Key, int] = {}
        self._erasures: set[Key] = set()

    def run(self) -> bool:
        """Run every check; whether everything holds."""
        checks: tuple[Callable[[], None], ...] = (
            self._check_chain,
            self._check_rows,
            self._check_references,
            self._check_search,
            self._check_engine,
        )
        for check in checks:
            try:
                check()
            except AuditFault as fault:
                self._find(check.__name__.removeprefix("_check_"), "the database file", f"It cannot be read: {fault}.", _RESTORE)
        return not self.findings

    def _find(self, check: str, place: str, problem: str, mend: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(check, place, problem, mend))

    # The chain

    def _check_chain(self) -> None:
        self._check_key()
        total = self._audit.last_seq()
        previous = Seal(0, 0, 0, NO_SEAL)
        folded_to, stepped_back = 0, set[int]()
        while True:
            seals, entries = self._audit.chain(previous.last_seq, STEP_SEALS, STEP_ENTRIES)
            if not seals:
                break
            if seals[0].first_seq <= previous.last_seq and seals[0].folded is not None and seals[0].last_seq not in stepped_back:
                stepped_back.add(seals[0].last_seq)  # it was folded since the last step: go on from where it begins now
                previous = self._audit.sealed_before(seals[0].first_seq) or Seal(0, 0, 0, NO_SEAL)
                continue
            start = 0
            for seal in seals:
                end = start
                while end < len(entries) and entries[end].head.seq <= seal.last_seq:
                    end += 1
                self._check_seal(previous, seal, [each.head for each in entries[start:end]])
                previous, start = seal, end
                folded_to = seal.last_seq if seal.folded is not None else folded_to
            for entry in entries:
                self._check_payloads(entry)
            self.entries += len(entries)
            self.seals += len(seals)
            self._tell(Progress("chain", self.entries, total))
        self.last_seal = previous if self.seals else None
        for seq in self._audit.unsealed(10):
            self._find("chain", f"entry {seq}", "It has no seal: it was not written by Holdfast, or its seal was removed.", _RESTORE)
        self._check_erasures()
        self._check_anchors(folded_to)

    def _check_key(self) -> None:
        self._can_prove = self._audit.key_fingerprint() in (None, fingerprint_of(self._sign))
        if not self._can_prove:
            problem = "The master key is not the one that this database was made with, so that no seal can be proved."
            self._find("chain", "the master key", problem, "Restore the key from its backup, then verify again.")

    def _check_seal(self, previous: Seal, seal: Seal, heads: Sequence[EntryHead]) -> None:
        if not self._can_prove or self._proves(previous, seal, heads):
            return
        first = previous.last_seq + 1
        place = f"entries {first} to {seal.last_seq}"
        missing = sorted({*range(first, min(seal.last_seq, first + STEP_ENTRIES) + 1)} - {each.seq for each in heads})
        if missing and seal.folded is None:
            told = ", ".join(map(str, missing[:10]))
            self._find("chain", place, f"Removed: {told}{' and more' if len(missing) > 10 else ''}.", _RESTORE)
        else:
            problem = "The seal does not fit: an entry was edited, added, or changed places, the seal itself was, or the key is another."
            self._find("chain", place, problem, _RESTORE)

    def _proves(self, previous: Seal, seal: Seal, heads: Sequence[EntryHead]) -> bool:
        if seal.folded is not None:
            return fold_seal(previous, seal, heads, self._sign) == seal
        return bool(heads) and make_seal(previous.seal, heads, self._sign) == seal

    def _check_payloads(self, entry: Entry) -> None:
        head = entry.head
        for name, payload, known in (("before", entry.before, head.before_hash), ("after", entry.after, head.after_hash)):
            if payload is None and known is not None:
                self._emptied[head.resource, head.record_id] = head.seq
            elif hash_payload(payload) != known:
                place = f"entry {head.seq} ({head.resource}/{head.record_id})"
                self._find("chain", place, f"Its payload `{name}` was edited.", _RESTORE)
        if head.operation == "erase":
            self._erasures.add((head.resource, head.record_id))

    def _check_erasures(self) -> None:
        self.erased = len(self._emptied)
        for key, seq in self._emptied.items():
            if key not in self._erasures:
                place = f"entry {seq} ({key[0]}/{key[1]})"
                self._find("chain", place, "Its payload was removed, and not by `holdfast erase`.", _RESTORE)

    def _check_anchors(self, folded_to: int) -> None:
        """Every seal that is known outside is there, unless it was folded: then the last of those with it is proved by the chain."""
        for anchor in self._anchors:
            seal = self._audit.sealed(anchor.seq)
            if seal is None and anchor.seq < folded_to:
                continue
            if seal is None or seal.seal != anchor.seal:
                problem = f"The seal of entry {anchor.seq}, known from {anchor.source}, is {'not there' if seal is None else 'another'}."
                self._find("chain", f"entry {anchor.seq}", problem, "The end of the journal was cut off or made anew. " + _RESTORE)

    # The rows

    def _check_rows(self) -> None:
        last_seq = self._audit.last_seq()
        for resource in self._catalog.resources.values():
            self._check_rows_of(resource)
            for after in range(0, last_seq, STEP_ENTRIES):
                upto = min(after + STEP_ENTRIES, last_seq)
                for seq, record_id in self._audit.lost(resource, after, upto):
                    problem = f"The record is gone, although by entry {seq} it is there."
                    self._find("rows", f"{resource.path}/{record_id}", problem, _RESTORE)
                for seq, record_id in self._audit.forgotten(resource, after, upto):
                    problem = f"It was deleted by entry {seq}, but its id is not remembered and could be used again."
                    self._find("rows", f"{resource.path}/{record_id}", problem, _RESTORE)
                for each in self._audit.breaks(resource, after, upto):
                    self._judge_break(resource, each)
                self._tell(Progress(f"{resource.path}: journal", upto, last_seq))

    def _check_rows_of(self, resource: ResourceSpec) -> None:
        total, after = self._audit.last_row(resource), 0
        while rows := self._audit.rows(resource, after, STEP_ROWS):
            for row in rows:
                if row.operation in (None, "delete") or hash_payload(row.image) != row.after_hash:
                    self._judge_row(resource, row)
            after = rows[-1].row
            self.rows += len(rows)
            self._tell(Progress(f"{resource.path}: rows", after, total))

    def _judge_row(self, resource: ResourceSpec, row: AuditedRow) -> None:
        place = f"{resource.path}/{row.record_id}"
        if row.seq is None:
            self._find("rows", place, "The journal has no entry of it: it was not written by Holdfast.", _RESTORE)
        elif row.operation == "delete":
            self._find("rows", place, f"The record is there, although entry {row.seq} deleted it.", _RESTORE)
        else:
            members = _list_differences(row.image, self._audit.after_image(row.seq))
            self._tell_differences(resource, place, f"It differs from entry {row.seq}, the last one about it", members)

    def _judge_break(self, resource: ResourceSpec, found: Break) -> None:
        """What was edited before a change of ours is in the entry of that change, as what it found; the row agrees with it from then on."""
        if found.left is None or found.found is None:
            return
        problem = f"Entry {found.seq} found another row than entry {found.before_seq} had left: it was edited in between"
        members = _list_differences(found.found, found.left)
        self._tell_differences(resource, f"{resource.path}/{found.record_id}", problem, members)

    def _tell_differences(self, resource: ResourceSpec, place: str, problem: str, members: Sequence[str]) -> None:
        if members:
            named = ", ".join(_describe_secrets(resource) if each == SECRETS else each for each in members)
            mends = [_RECORD.format(place=f"/api/v1/{place}")] * (members != [SECRETS]) + [_SEALED] * (SECRETS in members)
            self._find("rows", place, f"{problem}, in {named}.", " ".join(mends))

    # References and the engine

    def _check_references(self) -> None:
        for resource in self._catalog.resources.values():
            for member in (each for each in resource.fields if each.reference is not None):
                self._check_reference(resource, member)

    def _check_reference(self, resource: ResourceSpec, member: FieldSpec) -> None:
        total = self._audit.last_row(resource)
        for after in range(0, total, STEP_ROWS):
            for _, record_id in self._audit.dangling(resource, member, after, after + STEP_ROWS):
                problem = f"`{member.member}` refers to a record of {self._catalog.target(member).path} that does not exist."
                self._find("references", f"{resource.path}/{record_id}", problem, "Change the reference, or restore what it refers to.")
            self._tell(Progress(f"{resource.path}: {member.member}", min(after + STEP_ROWS, total), total))

    def _check_search(self) -> None:
        for resource in self._catalog.resources.values():
            total = self._audit.last_row(resource) if resource.search_fields else 0
            for after in range(0, total, STEP_ROWS):
                for row, record_id in self._audit.unsearchable(resource, after, after + STEP_ROWS):
                    if record_id is None:
                        place, problem = f"{resource.path}, row {row}", "The full-text index has a record that is not there."
                    else:
                        place, problem = (
                            f"{resource.path}/{record_id}",
                            "The full-text index does not have it: no search finds it.",
                        )
                    self._find("search", place, problem, _SEARCH)
                self._tell(Progress(f"{resource.path}: search", min(after + STEP_ROWS, total), total))

    def _check_engine(self) -> None:
        tables = self._audit.tables()
        for done, table in enumerate(tables, start=1):
            for text in self._integrity_of(table):
                self._find("engine", f"table {table}", f"{text.rstrip('.')}.", _RESTORE)
            self._tell(Progress("engine", done, len(tables)))

    def _integrity_of(self, table: str) -> Iterator[str]:
        try:
            yield from self._audit.integrity(table)
        except AuditFault as fault:
            yield str(fault)


def _list_differences(image: str, after: str | None) -> list[str]:
    """The members in which a row differs from its last image; a member that the image does not know came later and is not judged."""
    if after is None:
        return ["some member (the image was erased)"]
    row, known = _decode(image), _decode(after)
    return [member for member, value in row.items() if member in known and known[member] != value] + [
        member for member in known if member not in row and known[member] is not None
    ]


def _describe_secrets(resource: ResourceSpec) -> str:
    return f"its secrets ({', '.join(each.member for each in resource.fields if each.secret is not None)})"


def _decode(image: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(image)
    except msgspec.DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
