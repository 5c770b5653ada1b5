"""The other outsiders: each function gives what a tool found, one line for each finding; none is good."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from audit.served import Served
from audit.tools import ROOT, Missing, find_tool

_SCAN_S = 600
_WAPITI_MODULES = "sql,xss,timesql,exec,file,crlf,methods,http_headers,cookieflags,redirect,ssrf,xxe,csrf"
_SPECTRAL_ERROR = 0
_SHOWN_LENGTH_MAX = 300


def scan_surface(served: Served, folder: Path) -> Iterator[str]:
    """wapiti crawls by the document, signed in as an editor, and attacks what it finds. It must not sign out: that ends its key."""
    report = folder / "wapiti.json"
    command = [
        str(find_tool("wapiti")), "-u", f"{served.address}/", "--swagger", f"{served.address}/openapi.json", "-m", _WAPITI_MODULES,
        "--max-scan-time", "240", "--max-attack-time", "60", "--tasks", "2", "--flush-session", "-f", "json", "-o", str(report),
        "-H", f"Authorization: Bearer {served.keys['editor']}",
        "-x", f"{served.address}/api/v1/auth/logout", "-x", f"{served.address}/api/v1/auth/sessions/*",
        "--store-session", str(folder), "--no-bugreport",
    ]  # fmt: skip
    _run(command, folder)
    found = json.loads(report.read_text())
    assert found["infos"]["crawled_pages_nbr"] > 0, "wapiti crawled nothing"
    served.ask("GET", "/api/v1/auth/me", who="editor")  # else it was signed out on the way
    for kind in ("vulnerabilities", "anomalies"):
        for name, each in ((name, each) for name, group in found[kind].items() for each in group):
            yield f"{name}: {each['method']} {each['path']} {each.get('parameter') or ''} {each['info']}"[:_SHOWN_LENGTH_MAX]


def scan_contract(served: Served, folder: Path, *, app: str, who: str, seed: int = 11) -> Iterator[str]:
    """schemathesis, signed in: every check, among them ignored_auth and use_after_free."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", "tests/judges/schemathesis.toml",
        "run", f"{served.address}/openapi.json", "--header", f"Authorization: Bearer {served.keys[who]}", "--checks", "all",
        "--exclude-checks", "missing_required_header",
        "--exclude-operation-id-regex", "^(sign_out|revoke_session)$",
        "--mode", "all", "--phases", "examples,fuzzing,stateful", "--seed", str(seed), "--max-examples", "15", "--continue-on-failure",
        "--no-color", "--generation-database", "none",
    ]  # fmt: skip
    own = served.ask("GET", "/api/v1/auth/me", who=who)["id"]  # which it leaves alone
    done = _run(command, folder, name=f"schemathesis-{app}-{who}", environ={"JUDGE_ID": own})
    served.ask("GET", "/api/v1/auth/me", who=who)  # else it was signed out on the way
    if done.returncode != 0:
        yield f"{app} as {who}: {(folder / f'schemathesis-{app}-{who}.txt').read_text()[-2000:]}"


def scan_document(served: Served, folder: Path, *, app: str) -> Iterator[str]:
    """spectral with the OWASP rules on the document."""
    spectral = find_tool("spectral")
    home = spectral.parents[2]  # where the rules are installed
    (home / "spectral.yaml").write_text((ROOT / "audit/spectral.yaml").read_text())
    with urlopen(f"{served.address}/openapi.json") as answer:  # noqa: S310 - our own server
        (home / f"{app}.json").write_bytes(answer.read())
    command = [
        str(spectral),
        "lint",
        f"{app}.json",
        "--ruleset",
        "spectral.yaml",
        "--format",
        "json",
        "--output",
        str(folder / f"{app}.json"),
    ]
    _run(command, folder, cwd=home, name=f"spectral-{app}")
    found: list[dict[str, Any]] = json.loads((folder / f"{app}.json").read_text())
    assert found, "spectral judged nothing: it always has some warnings"
    for each in found:
        if each["severity"] == _SPECTRAL_ERROR:
            yield f"{app}: {each['code']}: {each['message']} ({'/'.join(map(str, each['path']))})"


def scan_source(_served: Served, folder: Path) -> Iterator[str]:
    """bandit on the source; what stands there on purpose says so in its line."""
    report = folder / "bandit.json"
    _run([str(find_tool("bandit")), "-q", "-r", "src", "-f", "json", "-o", str(report), "--severity-level", "medium"], folder)
    for each in json.loads(report.read_text())["results"]:
        yield f"{each['filename']}:{each['line_number']}: {each['test_id']} {each['issue_text']}"


def scan_dependencies(_served: Served, folder: Path) -> Iterator[str]:
    """pip-audit on what is pinned. Raises Missing where its source of advisories cannot be reached."""
    report = folder / "pip-audit.json"
    done = _run(
        [str(find_tool("pip-audit")), "-r", "requirements/dev.txt", "--no-deps", "--disable-pip", "-f", "json", "-o", str(report)], folder
    )
    if not report.exists() or not report.read_text().strip():
        raise Missing(f"no advisories: {done.stdout[-_SHOWN_LENGTH_MAX:]}")
    looked_up = json.loads(report.read_text())["dependencies"]
    unknown = [each["name"] for each in looked_up if "skip_reason" in each]
    if unknown:
        raise Missing(f"its source has no advisories for {len(unknown)} of {len(looked_up)} packages")
    for each in looked_up:
        for known in each.get("vulns", ()):
            yield f"{each['name']} {each['version']}: {known['id']}"


def _run(
    command: list[str], folder: Path, *, cwd: Path = ROOT, name: str | None = None, environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "HOME": str(folder), **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SCAN_S,
        check=False,
    )
    (folder / f"{name or Path(command[0]).name}.txt").write_text(done.stdout)
    return done
