"""The checker of histories: it accepts what could have happened and rejects every planted bug."""

import itertools
import random
from collections.abc import Callable

import pytest
from chaos import linear
from chaos.history import FOREVER, Answer, Ask, Content, Kind, Op, Told
from chaos.linear import NEVER, Undecided, apply, judge, judge_all

Story = list[Op]


def op(when: tuple[int, int], kind: Kind, told: Told, shown: tuple[int, int, str] | None = None, **asked: object) -> Op:
    """One operation of a history written by hand."""
    return Op(Ask(kind, "r", **asked), Answer(told, Content(*shown) if shown else None), *when)  # type: ignore[arg-type]  # as asked


MADE = op((0, 1), "create", "ok", (1, 0, "a"), number=0, text="a")

GOOD: dict[str, Story] = {
    "nothing": [],
    "one after another": [
        MADE,
        op((2, 3), "read", "ok", (1, 0, "a")),
        op((4, 5), "patch", "ok", (2, 7, "a"), expected=1, number=7),
        op((6, 7), "replace", "ok", (3, 8, "b"), expected=2, number=8, text="b"),
        op((8, 9), "delete", "ok", expected=3),
        op((10, 11), "read", "missing"),
        op((12, 13), "create", "taken", number=1),
    ],
    "a read beside a write sees either": [
        MADE,
        op((2, 9), "patch", "ok", (2, 7, "a"), expected=1, number=7),
        op((3, 8), "read", "ok", (2, 7, "a")),
        op((3, 4), "read", "ok", (1, 0, "a")),
    ],
    "one of two with the same version wins": [
        MADE,
        op((2, 9), "patch", "ok", (2, 1, "a"), expected=1, number=1),
        op((2, 9), "patch", "stale", expected=1, number=2),
    ],
    "blind writes in either order": [
        MADE,
        op((2, 9), "patch", "ok", (3, 1, "a"), number=1),
        op((2, 9), "patch", "ok", (2, 2, "a"), number=2),
        op((10, 11), "read", "ok", (3, 1, "a")),
    ],
    "an unknown write that never landed": [
        MADE,
        op((2, FOREVER), "patch", "unknown", expected=1, number=9),
        op((10, 11), "read", "ok", (1, 0, "a")),
    ],
    "an unknown write that landed at once": [
        MADE,
        op((2, FOREVER), "patch", "unknown", expected=1, number=9),
        op((10, 11), "read", "ok", (2, 9, "a")),
    ],
    "an unknown write that landed late": [
        MADE,
        op((2, FOREVER), "patch", "unknown", expected=1, number=9),
        op((10, 11), "read", "ok", (1, 0, "a")),
        op((20, 21), "read", "ok", (2, 9, "a")),
    ],
    "an unknown create behind which somebody writes": [
        op((0, FOREVER), "create", "unknown", number=1, text="x"),
        op((5, 6), "read", "missing"),
        op((7, 8), "patch", "ok", (2, 3, "x"), number=3),
        op((9, FOREVER), "delete", "unknown", expected=2),
        op((10, 11), "create", "taken", number=1),
        op((12, 13), "read", "missing"),
    ],
}

BAD: dict[str, Story] = {
    "lost update: two win with the same version": [
        MADE,
        op((2, 9), "patch", "ok", (2, 1, "a"), expected=1, number=1),
        op((2, 9), "patch", "ok", (2, 2, "a"), expected=1, number=2),
    ],
    "lost update: an acknowledged write is overwritten unseen": [
        MADE,
        op((2, 3), "patch", "ok", (2, 1, "a"), expected=1, number=1),
        op((4, 5), "replace", "ok", (2, 2, "b"), expected=1, number=2, text="b"),
    ],
    "lost write: acknowledged and gone": [
        MADE,
        op((2, 3), "patch", "ok", (2, 1, "a"), expected=1, number=1),
        op((4, 5), "read", "ok", (1, 0, "a")),
    ],
    "lost create": [MADE, op((2, 3), "read", "missing")],
    "stale read: the new value, then the old one": [
        MADE,
        op((2, 20), "patch", "ok", (2, 1, "a"), expected=1, number=1),
        op((3, 4), "read", "ok", (2, 1, "a")),
        op((5, 6), "read", "ok", (1, 0, "a")),
    ],
    "dirty read: a value that nobody wrote": [MADE, op((2, 3), "read", "ok", (1, 5, "a"))],
    "read from the future": [
        MADE,
        op((2, 3), "read", "ok", (2, 1, "a")),
        op((4, 5), "patch", "ok", (2, 1, "a"), expected=1, number=1),
    ],
    "torn write: the number of one, the text of another": [
        MADE,
        op((2, 9), "replace", "ok", (2, 1, "b"), expected=1, number=1, text="b"),
        op((10, 11), "read", "ok", (2, 1, "a")),
    ],
    "a patch that touched what it did not name": [MADE, op((2, 3), "patch", "ok", (2, 1, ""), expected=1, number=1)],
    "false refusal: told not done, seen later": [MADE, op((4, 5), "read", "ok", (2, 9, "a"))],
    "false conflict: stale although nobody wrote": [MADE, op((2, 3), "patch", "stale", expected=1, number=9)],
    "done twice: one unknown write, two versions": [
        MADE,
        op((2, FOREVER), "patch", "unknown", number=9),
        op((10, 11), "read", "ok", (3, 9, "a")),
    ],
    "undone: an unknown write was seen and is gone": [
        MADE,
        op((2, FOREVER), "patch", "unknown", expected=1, number=9),
        op((10, 11), "read", "ok", (2, 9, "a")),
        op((12, 13), "read", "ok", (1, 0, "a")),
    ],
    "back from the dead": [
        MADE,
        op((2, 3), "delete", "ok", expected=1),
        op((4, 5), "read", "ok", (1, 0, "a")),
    ],
    "an id that was free again": [
        MADE,
        op((2, 3), "delete", "ok", expected=1),
        op((4, 5), "create", "ok", (1, 1, "b"), number=1, text="b"),
    ],
    "a version that was skipped": [MADE, op((2, 3), "patch", "ok", (3, 1, "a"), expected=1, number=1)],
    "taken although it never was": [op((0, 1), "create", "taken", number=0)],
    "an answer of no meaning here": [op((0, 1), "create", "missing", number=0)],
    "deleted twice": [MADE, op((2, 3), "delete", "ok", expected=1), op((4, 5), "delete", "ok", expected=1)],
}


@pytest.mark.parametrize("name", GOOD)
def test_what_could_have_happened_is_accepted(name: str) -> None:
    """A history that some order explains is accepted, in whatever order it was noted."""
    for seed in range(3):
        shuffled = random.Random(seed).sample(GOOD[name], len(GOOD[name]))
        assert judge(shuffled).holds, str(judge(shuffled))


@pytest.mark.parametrize("name", BAD)
def test_every_planted_bug_is_rejected(name: str) -> None:
    """A history that no order explains is rejected, and the verdict says where it ends."""
    verdict = judge(BAD[name])

    assert not verdict.holds
    assert verdict.stuck
    assert "not linearizable" in str(verdict)


def test_one_bad_register_among_good_ones_is_found() -> None:
    """Registers are judged one by one, and all of them."""
    good = {str(number): GOOD["one after another"] for number in range(5)}

    assert str(judge_all(good)) == "linearizable"
    assert not judge_all({**good, "x": BAD["lost create"]}).holds


def simulate(seed: int, clients: int, count: int) -> Story:
    """A true history: a register that really does what it is asked, clients that overlap, and some answers that get lost."""
    dice = random.Random(seed)
    clocks = [0] * clients
    state, moment, story = NEVER, 0, []
    for number in range(count):
        client = min(range(clients), key=lambda each: clocks[each])
        moment = max(moment, clocks[client]) + dice.randint(1, 3)
        kind: Kind = "create" if number == 0 else dice.choice(("read", "read", "replace", "patch", "patch"))
        version = state.content.version
        expected = None if kind in ("create", "read") else dice.choice((version, version, max(version - 1, 1)))
        ask = Ask(kind, "r", expected, number, f"t{number}" if kind in ("create", "replace") else "")
        after = apply(state, Op(ask, Answer("unknown"), 0, FOREVER))
        state = after or state
        lost = number > 0 and kind != "read" and dice.random() < 0.05
        told: Told = "unknown" if lost else "ok" if after else "stale"
        returned = moment + dice.randint(1, 40)
        clocks[client] = returned
        shown = state.content if told == "ok" else None
        story.append(Op(ask, Answer(told, shown), moment - dice.randint(0, 1), FOREVER if lost else returned))
    return story


@pytest.mark.parametrize("seed", range(20))
def test_a_true_history_is_accepted_and_a_false_one_is_not(seed: int) -> None:
    """Histories made by a register that works are accepted; with one read turned back to the value at the start they are not."""
    story = simulate(seed, clients=24, count=400)
    assert judge(story).holds

    last = max((each for each in story if each.answer.told == "ok"), key=lambda each: each.returned)
    spoiled = Op(Ask("read", "r"), Answer("ok", Content(1, 0, "t0")), last.returned + 1, last.returned + 2)
    assert not judge([*story, spoiled]).holds


def brute_force(story: Story) -> bool:
    """Whether some order explains a short history, by trying every order of every choice of what landed."""
    certain = [each for each in story if each.returned != FOREVER]
    unknown = [each for each in story if each.returned == FOREVER]
    chosen = itertools.chain.from_iterable(itertools.combinations(unknown, size) for size in range(len(unknown) + 1))
    return any(_explains(order) for some in chosen for order in itertools.permutations((*certain, *some)))


def _explains(order: tuple[Op, ...]) -> bool:
    state = NEVER
    for index, each in enumerate(order):
        after = apply(state, each)
        if after is None or any(later.returned < each.invoked for later in order[index + 1 :]):
            return False
        state = after
    return True


def test_the_search_agrees_with_trying_everything() -> None:
    """On 300 short histories, true and spoiled ones, the search says what trying every order says, and both verdicts occur."""
    verdicts = []
    for seed in range(300):
        dice = random.Random(seed)
        story = simulate(seed, clients=3, count=5)
        index = dice.randrange(len(story))
        if dice.random() < 0.6:
            story[index] = _spoil(story[index], dice)
        verdicts.append(judge(story).holds)
        assert verdicts[-1] == brute_force(story), f"seed {seed}: {judge(story)}"

    assert 50 < sum(verdicts) < 280


def _spoil(each: Op, dice: random.Random) -> Op:
    shown = each.answer.content
    spoils: list[Callable[[], Op]] = [
        lambda: Op(each.ask, Answer("stale"), each.invoked, each.returned),
        lambda: Op(each.ask, Answer("ok", Content(dice.randint(1, 4), each.ask.number, "t0")), each.invoked, each.returned),
        lambda: Op(each.ask, Answer("ok", shown), each.invoked + 20, each.invoked + 21),
    ]
    return dice.choice(spoils)()


def test_a_search_that_would_not_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A history beyond the bound of the search is not called good."""
    monkeypatch.setattr(linear, "STATES_MAX", 10)

    with pytest.raises(Undecided):
        judge(simulate(1, clients=24, count=400))
