"""What the pages list is what there is: errors, settings, limits, commands, types, operators, metrics, examples, links."""

import re
from pathlib import Path

import click
import pytest
from docs_pages import DOCS, ROOT, TEXTS, read_anchors, read_blocks, read_links, read_section, read_tables

from holdfast.base import limits
from holdfast.base.errors import CATALOGUE, DETAIL_CODES, RETIRED
from holdfast.cli.main import COMMANDS, group
from holdfast.core.ask.operators import OPERATORS
from holdfast.engine.exposition import render_metrics
from holdfast.engine.metrics import WorkerCounts
from holdfast.model.declared import KEYWORD_NAMES
from holdfast.model.field import OPTION_NAMES
from holdfast.model.names import RESERVED_PARAMETERS
from holdfast.settings import PREFIX, Settings, show_settings

LIMITS = {name: value for name, value in vars(limits).items() if name.isupper()}


def _rows(page: str, columns: int) -> list[list[str]]:
    return [row for row in read_tables((DOCS / page).read_text("utf-8")) if len(row) == columns]


def test_every_error_is_documented() -> None:
    """docs/errors.md lists exactly the codes of the catalogue, each with its status and its message."""
    rows = {row[0]: (row[1], row[2]) for row in _rows("errors.md", 5)}

    assert {each.code: (str(each.status), each.message) for each in CATALOGUE.values()} == {
        code: (status.split()[0], message) for code, (status, message) in rows.items()
    }


def test_every_detail_is_documented() -> None:
    """docs/errors.md lists exactly the codes that `error.details` can carry, and those that have been retired."""
    assert {row[0] for row in _rows("errors.md", 3)} == set(DETAIL_CODES)
    assert all(code in read_section(DOCS / "errors.md", "Retired codes") for code in RETIRED)


def test_every_setting_is_documented() -> None:
    """docs/settings.md lists exactly the settings, each with its variable and its default."""
    shown = {name: _show(value) for name, value in show_settings(Settings()).items()}
    rows = {row[0]: (row[1], row[2]) for row in _rows("settings.md", 4)}

    assert {name: (PREFIX + name.upper(), default) for name, default in shown.items()} == rows


def _show(value: object) -> str:
    """A default as the page writes it: as TOML, or a dash where there is none."""
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case list() | tuple():
            return "[]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def test_every_limit_is_documented() -> None:
    """docs/limits.md lists exactly the limits of base/limits.py, each with its value."""
    rows = {row[0]: _read_number(row[1]) for row in _rows("limits.md", 3)}

    assert rows == LIMITS


def _read_number(text: str) -> float:
    """`1 MiB`, `10 s`, `65,535`, `2^63 - 1`: the number that it stands for."""
    power = re.fullmatch(r"(-?)2\^63( - 1)?", text)
    if power:
        return (-1 if power[1] else 1) * 2**63 - (1 if power[2] else 0)
    number, _, unit = text.replace(",", "").partition(" ")
    return float(number) * {"KiB": 1024, "MiB": 1024**2}.get(unit, 1)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """docs/commands.md has a section for each command, which names every argument and option of it."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    said = read_section(DOCS / "commands.md", f"holdfast {name}")
    names = {name for each in command.params for name in _names(each)}

    assert {each for each in names if not re.search(rf"[` \[]{each}\b", said)} == set()


def _names(parameter: click.Parameter) -> list[str]:
    """The options of a parameter, or the name that the usage line gives to an argument."""
    return parameter.opts if isinstance(parameter, click.Option) else [parameter.metavar or str(parameter.name).upper()]


def test_every_word_of_a_declaration_is_documented() -> None:
    """docs/declare.md lists exactly the options of field(...) and the keywords of a class."""
    assert _first_cells("declare.md", "Options of a field") == OPTION_NAMES
    assert _first_cells("declare.md", "Keywords of a class") == KEYWORD_NAMES


def test_every_operator_is_documented() -> None:
    """docs/lists.md lists exactly the operators of filters and the parameters of a list."""
    assert _first_cells("lists.md", "Filter") == set(OPERATORS)
    assert _first_cells("lists.md", "Parameters") == {*RESERVED_PARAMETERS} - {"as_of", "version"}


def test_every_metric_is_documented() -> None:
    """docs/operate.md lists exactly the metrics that /metrics tells."""
    gauges = {"in_flight_requests": 0.0, "queued_writes": 0.0, "wal_bytes": 0.0}
    told = render_metrics([WorkerCounts(0, 1, 0.0, 0.0, gauges=gauges)], now_s=0.0).decode()

    assert set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE)) == _first_cells("operate.md", "Metrics")


def _first_cells(page: str, heading: str) -> set[str]:
    """The words in code of the first cells of the tables of a section: `a`, `b` are two."""
    cells = (f"`{row[0]}`" for row in read_tables(read_section(DOCS / page, heading)))
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def test_the_example_is_the_one_that_runs() -> None:
    """The example of the README is examples/library.py, word for word."""
    shown = [block.text for block in read_blocks(ROOT / "README.md") if block.language == "python"]

    assert (ROOT / "examples" / "library.py").read_text("utf-8") in shown


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link of a page names a file of the repository and, behind a #, one of its headings."""
    broken = []
    for link in read_links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if "://" in link:
            continue
        if not target.exists() or (anchor and anchor not in read_anchors(target)):
            broken.append(link)

    assert broken == []


def test_every_page_can_be_found() -> None:
    """The README leads to each page of docs/."""
    linked = set(read_links(ROOT / "README.md"))

    assert {f"docs/{page.name}" for page in DOCS.glob("*.md")} - linked == set()
