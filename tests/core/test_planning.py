"""Plans: what a caller is granted becomes a bound of the step."""

import pytest
from ask_library import BOOKS

from holdfast import Access, Backend, Resource, anyone, field, owner, role
from holdfast.base.errors import Refused
from holdfast.base.ids import ABSENT_ID, RecordId
from holdfast.base.instant import Instant
from holdfast.core import planning
from holdfast.core.actor import NOBODY, Actor
from holdfast.core.condition import ALWAYS, NEVER
from holdfast.core.entity_tag import Precondition
from holdfast.core.permit import Grants, Permit
from holdfast.core.plan import Create
from holdfast.core.planning import BodyReaders, plan_create, plan_delete, plan_undelete, plan_update
from holdfast.core.size import count_bytes, page_too_large, result_too_large
from holdfast.core.validate import Changed, Created, InvalidBody
from holdfast.core.view import View

ANN = RecordId("0190f5fe-0000-7000-8000-00000000000a")


class Note(Resource):
    """What only its maker deletes, with a field for auditors and some of its maker's."""

    text: str
    grade: int = field(default=0, writable_by=role("auditor"))
    mine: str = field(default="", writable_by=owner)
    pin: str | None = field(default=None, readable_by=owner)
    mark: int | None = field(default=None, readable_by=role("auditor"), writable_by=anyone)

    access = Access(read=anyone, write=anyone, delete=owner)


CATALOG = Backend(Note).catalog
NOTES = CATALOG.resources["notes"]
VIEW = View(NOTES, NOTES.fields)


def granted(*roles: str, user: RecordId | None = ANN) -> Grants:
    """What somebody is granted."""
    return Permit(CATALOG).grant(NOBODY if user is None else Actor(user, frozenset(roles)), Instant(0))


def test_callers_of_one_kind_share_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write everything has that of the resource; of the others no more are kept than are useful."""
    readers = BodyReaders(CATALOG)
    plain, auditor = readers.read_by(granted(), NOTES), readers.read_by(granted("auditor"), NOTES)
    assert readers.read_by(granted("admin"), NOTES) not in (plain, auditor)
    assert readers.read_by(granted(user=RecordId(ABSENT_ID)), NOTES) is plain is not auditor
    monkeypatch.setattr(planning, "_KINDS_MAX", 1)
    assert readers.read_by(granted(user=None), NOTES) not in (plain, auditor)
    assert readers.read_by(granted(), NOTES) is not plain


def test_what_a_caller_may_not_set_is_refused_by_name() -> None:
    """And what is sound beside it is read."""
    with pytest.raises(InvalidBody) as caught:
        BodyReaders(CATALOG).read_by(granted(), NOTES).read_create({"text": "x", "grade": 3})
    assert [(each.field, each.code) for each in caught.value.details] == [("grade", "read_only")]
    assert caught.value.created[0].values["text"] == "x"


def test_steps_are_bounded_by_what_is_granted() -> None:
    """A member that is locked in some rows is judged where it is sent; deleting and undeleting need the same."""
    grants = granted()
    grant = grants.on(NOTES)
    created = Created(None, {"text": "x", "grade": 0, "mine": "", "pin": None, "mark": None})
    assert plan_create(grants, ANN, VIEW, created, {"text": "x"}).become == ALWAYS
    step_of_mine = plan_create(grants, ANN, VIEW, created, {"text": "x", "mine": ""})
    assert (step_of_mine.become, step_of_mine.locked) == (grant.locked["mine"], {"mine": grant.locked["mine"]})
    step = plan_update(grants, ANN, VIEW, Changed({"mine": "y"}, {}, {}, None), Precondition(1, 412))
    assert step.locked == {"mine": grant.locked["mine"]}
    assert step.seen == {}
    sent = Changed({"text": "x", "pin": "1"}, {}, {"mark": 1}, None)
    step = plan_update(grants, ANN, VIEW, sent, Precondition(1, 412))
    assert step.seen == {"pin": grant.masks["pin"], "mark": NEVER}
    assert plan_update(granted("admin"), ANN, VIEW, sent, Precondition(1, 412)).seen == {}
    delete, undelete = plan_delete(grants, ANN, VIEW, Precondition(1, 412)), plan_undelete(grants, ANN, VIEW, Precondition(1, 412))
    assert delete.allow == undelete.allow == grant.delete != ALWAYS
    assert {each.resource for each in (delete, undelete, step, plan_create(grants, ANN, VIEW, created, {}))} == {NOTES}
    assert Create(ANN, View(BOOKS, ()), {}).resource is BOOKS


def test_answers_have_a_size() -> None:
    """Counted in bytes; what is too large is refused, and says what to do."""
    assert [count_bytes(each) for each in ("abc", "äbc", "東")] == [3, 4, 3]
    for refused, code in ((page_too_large(), "invalid_page"), (result_too_large(), "payload_too_large")):
        assert isinstance(refused, Refused)
        assert refused.code == code
        assert "16 MiB" in refused.message
        assert refused.hint
