"""schemathesis reads the document and tries to prove the service wrong, signed in as an admin: all checks, all phases, seeds 1 to 3."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_TIMEOUT_S = 600


def _judge(address: str, key: str, *, seed: int, phases: str, max_examples: int, folder: Path, paths: str = "^/") -> None:
    """Run schemathesis once; a failure shows its report, with the requests that repeat it.

    It does not sign out, nor end a session: that ends the key that it judges by, and everything after it would be judged signed out. Nor
    does it look for answers to a missing token: its own is sent all the same. `ignored_auth` asks that.
    """
    options = ["--checks", "all", "--mode", "all", "--phases", phases, "--seed", str(seed), "--max-examples", str(max_examples)]
    options += [
        "--include-path-regex",
        paths,
        "--exclude-checks",
        "missing_required_header",
        "--exclude-operation-id-regex",
        "^(sign_out|revoke_session)$",
    ]
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", "tests/judges/schemathesis.toml",
        "run", f"{address}/openapi.json", "--header", f"Authorization: Bearer {key}",
        *options, "--continue-on-failure", "--no-color", "--generation-database", "none",
    ]  # fmt: skip
    environ = {**os.environ, "HOME": str(folder), "JUDGE_ID": _find_own_id(address, key)}
    report = folder / f"schemathesis-{seed}.txt"
    with report.open("w") as output:
        done = subprocess.run(command, cwd=_ROOT, env=environ, stdout=output, stderr=output, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, f"seed {seed}:\n{report.read_text()[-20_000:]}"


def _find_own_id(address: str, key: str) -> str:
    request = urllib.request.Request(f"{address}/api/v1/auth/me", headers={"authorization": f"Bearer {key}"})  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - our own server
        return str(json.load(answer)["data"]["id"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_generated_requests_meet_what_the_document_says(
    served: Callable[[str], str], admin_key: Callable[[str], str], tmp_path: Path, seed: int
) -> None:
    """The examples, fuzzing and stateful phases find nothing, whatever dice are thrown."""
    _judge(served("library"), admin_key("library"), seed=seed, phases="examples,fuzzing,stateful", max_examples=15, folder=tmp_path)


@pytest.mark.parametrize("paths", ["^/api/v1/authors(?!/[^/]+/books)", "^/(?!api/v1/(authors|books|users))"])
def test_every_bound_of_the_document_is_kept(
    served: Callable[[str], str], admin_key: Callable[[str], str], tmp_path: Path, paths: str
) -> None:
    """The coverage phase, which goes through every keyword of every schema and throws few dice, finds nothing.

    One resource stands for all here, and its list for the lists of what refers to it; `make audit-self` goes through every one, which
    takes minutes more.
    """
    _judge(served("library"), admin_key("library"), seed=1, phases="coverage", max_examples=15, folder=tmp_path, paths=paths)


def test_every_type_is_as_the_document_says(served: Callable[[str], str], admin_key: Callable[[str], str], tmp_path: Path) -> None:
    """On a backend with every type and every option the fuzzing and stateful phases find nothing."""
    _judge(served("everything"), admin_key("everything"), seed=1, phases="examples,fuzzing,stateful", max_examples=15, folder=tmp_path)
