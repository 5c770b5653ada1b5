"""`make chaos`: every campaign at full length.

python -m chaos [--only power control disk kills revoke sessions] [--seed 0] [--count N] [--fault write-io-12]

A run is named by its campaign and its seed; --seed S --count 1 runs one again. Exit status 1 if a promise was not kept, or if faults
did not fire. See the docstrings of the modules for what is judged.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from chaos.disk import Fault, parse_fault
from chaos.faults import FAULTS, fail_disk
from chaos.kills import READY_AGAIN_WITHIN_S, kill
from chaos.power import cut_power, cut_power_carelessly
from chaos.report import describe
from chaos.revoke import race
from chaos.sessions import race_sessions
from chaos.store import Failed

CUTS, CARELESS_CUTS, KILLS, RACES, SESSION_RACES = 1_000, 100, 200, 10_000, 1_000
KILLS_PER_RUN = 20  # each run is one server, one history
CALLS_MAX = 2_000  # of a faulty disk: a run makes some hundred


def main() -> int:
    """Run the campaigns; exit 1 if one fails."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=tuple(CAMPAIGNS), default=tuple(CAMPAIGNS))
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, help="how many runs of each campaign")
    parser.add_argument("--fault", type=parse_fault, help="one fault of the disk, as a failed run names it")
    options = parser.parse_args()
    if options.fault is not None:
        return _run("disk", options.seed, lambda seed: _one_fault(seed, options.fault))
    return max(_run(name, options.seed, partial(CAMPAIGNS[name], count=options.count)) for name in options.only)


def _run(name: str, seed: int, campaign: Callable[[int], str]) -> int:
    began = time.monotonic()
    _say(describe(name, seed))
    try:
        told = campaign(seed)
    except Failed as failed:
        _say(f"{name} FAILED after {time.monotonic() - began:.0f} s: {failed}")
        return 1
    _say(f"{name} holds after {time.monotonic() - began:.0f} s: {told}")
    return 0


def _power(seed: int, count: int | None) -> str:
    """Power cuts on the store as it is: none may lose."""
    acknowledged = 0
    for each in range(seed, seed + (count or CUTS)):
        with _folder("power", each) as folder:
            acknowledged += cut_power(each, folder).acknowledged
    return f"{count or CUTS} power cuts, {acknowledged:,} acknowledged transactions, none lost"


def _control(seed: int, count: int | None) -> str:
    """The same with synchronous=NORMAL: most must lose, or the cuts prove nothing."""
    lost, runs = 0, count or CARELESS_CUTS
    for each in range(seed, seed + runs):
        with _folder("control", each) as folder:
            lost += bool(cut_power_carelessly(each, folder).lost)
    if lost <= runs / 2 and runs > 1:
        raise Failed(f"only {lost} of {runs} careless stores lost anything")
    return f"{lost} of {runs} stores with synchronous=NORMAL lost what was acknowledged"


def _disk(seed: int, count: int | None) -> str:
    """Each fault at its first call, its second..., until a run makes fewer calls than that."""
    runs = fired = 0
    for each in FAULTS:
        for at in range(1, min(count or CALLS_MAX, CALLS_MAX) + 1):
            fault = Fault(each.call, each.kind, at, each.lasting)
            with _folder("disk", seed) as folder:
                times = fail_disk(seed, fault, folder)
            if not times:
                break
            runs, fired = runs + 1, fired + times
        if at == 1:
            raise Failed(f"{each} never fired")
    return f"{runs} faulty disks, {fired} failed calls"


def _one_fault(seed: int, fault: Fault) -> str:
    with _folder("disk", seed) as folder:
        return f"{fault} fired {fail_disk(seed, fault, folder)} times"


def _kills(seed: int, count: int | None) -> str:
    """Kills under load; every time the service must be ready again in time."""
    kills = operations = 0
    ready_s: list[float] = []
    for each in range(seed, seed + (count or KILLS // KILLS_PER_RUN)):
        with _folder("kills", each) as folder:
            toll = kill(each, KILLS_PER_RUN, folder)
        if toll.told.get("unknown", 0) == 0:
            raise Failed(f"seed {each}: no kill met a request")
        kills, operations = kills + sum(toll.kills.values()), operations + toll.operations
        ready_s += toll.ready_s
        _say(f"kills, seed {each}: {toll}")
    if max(ready_s) > READY_AGAIN_WITHIN_S:
        raise Failed(f"ready again only after {max(ready_s):.1f} s")
    return f"{kills} kills, {operations:,} operations linearizable, ready again in {max(ready_s):.1f} s at most"


def _revoke(seed: int, count: int | None) -> str:
    """Revocations against writes on two workers: no write may come after."""
    with _folder("revoke", seed) as folder:
        return str(race(seed, count or RACES, folder))


def _sessions(seed: int, count: int | None) -> str:
    """Ends of sessions against writes on two workers: no write may come after."""
    with _folder("sessions", seed) as folder:
        return str(race_sessions(seed, count or SESSION_RACES, folder))


CAMPAIGNS: dict[str, Callable[..., str]] = {
    "power": _power,
    "control": _control,
    "disk": _disk,
    "kills": _kills,
    "revoke": _revoke,
    "sessions": _sessions,
}


@contextmanager
def _folder(campaign: str, seed: int) -> Iterator[Path]:
    """A folder for one run, which stays where the run fails."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{campaign}-{seed}-"))
    try:
        yield folder
    except BaseException:
        _say(f"{describe(campaign, seed)}; its files: {folder}")
        raise
    shutil.rmtree(folder)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
