"""`holdfast access`: who may do what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import app_option, data_options, json_option, read_command_settings, write_json
from holdfast.cli.roster import load_catalog

if TYPE_CHECKING:
    from rich.tree import Tree

    from holdfast.engine.access import Explanation, Line, Term

_MARKS = {True: ("holds", "green"), False: ("does not hold", "red"), None: ("depends on the row", "yellow")}
_VERDICTS = {True: ("granted", "green"), False: ("refused", "red"), None: ("granted on some rows", "yellow")}


@click.group("access")
def command() -> None:
    """Tell who may do what, and why. It changes nothing, and works beside a running server."""


@command.command("explain")
@click.argument("user")
@click.argument("verb")
@click.argument("resource")
@click.argument("id", required=False)
@app_option
@data_options
@json_option
def explain(user: str, verb: str, resource: str, id: str | None, *, as_json: bool, **flags: str | None) -> int:  # noqa: A002 - the name that is shown
    """Tell which term of a rule grants or refuses.

    USER is an e-mail address, the name of a key, or `nobody`; VERB one of list, read, create, update, update_to, delete; RESOURCE as
    in a path. With the ID of a record every term is asked of that record, in the database.
    """
    found = _explain(user, verb, resource, id, flags)
    if as_json:
        write_json(found)
    else:
        _write_explanation(found)
    return 1 if found.granted is False else 0


@command.command("matrix")
@app_option
@data_options
@json_option
def matrix(*, as_json: bool, **flags: str | None) -> int:
    """Print who may do what: yes, no, or the rule that the row must meet; then the fields with rules of their own."""
    from holdfast.engine.access import build_table  # noqa: PLC0415 - heavy for `--help`

    lines = build_table(load_catalog(flags))
    if as_json:
        write_json(lines)
    else:
        _write_table(lines)
    return 0


def _explain(user: str, verb: str, name: str, record: str | None, flags: dict[str, str | None]) -> Explanation:
    import asyncio  # noqa: PLC0415 - heavy for `--help`

    from holdfast.app.accounts import open_explainer  # noqa: PLC0415 - heavy for `--help`
    from holdfast.base.ids import parse_uuid  # noqa: PLC0415 - heavy for `--help`
    from holdfast.cli.resource import find_resource  # noqa: PLC0415 - heavy for `--help`

    catalog = load_catalog(flags)
    resource = find_resource(catalog, name)
    _check_verb(verb)
    record_id = None if record is None else parse_uuid(record)
    if record is not None and record_id is None:
        raise click.BadParameter(f"{record!r} is no id.", param_hint="ID")

    async def run() -> Explanation:
        async with open_explainer(read_command_settings(**flags), catalog) as explainer:
            return await explainer.explain(user, verb, resource, record_id)

    return asyncio.run(run())


def _check_verb(verb: str) -> None:
    from holdfast.base.hint import suggest  # noqa: PLC0415 - heavy for `--help`
    from holdfast.model.access import VERBS  # noqa: PLC0415 - heavy for `--help`

    if verb not in VERBS:
        raise click.BadParameter(f"There is no verb `{verb}`. {suggest(verb, VERBS)}", param_hint="VERB")


def _write_explanation(found: Explanation) -> None:
    from rich.text import Text  # noqa: PLC0415 - heavy for `--help`
    from rich.tree import Tree  # noqa: PLC0415 - heavy for `--help`

    word, colour = _VERDICTS[found.granted]
    what = f"{found.verb} {found.resource}" + (f" {found.id}" if found.id else "")
    roles = f" ({', '.join(found.roles)})" if found.roles else ""
    tree = Tree(Text.assemble((word, f"bold {colour}"), f"  {found.user}{roles}: {what}"), guide_style="dim")
    for each in found.rules:
        _grow(tree, each.term, f"{each.verb}: ")
    console = _console()
    console.print(tree)
    console.print(Text(found.because))


def _grow(tree: Tree, term: Term, prefix: str = "") -> None:
    from rich.text import Text  # noqa: PLC0415 - heavy for `--help`

    word, colour = _MARKS[term.holds]
    branch = tree.add(Text.assemble((prefix, "bold"), term.text, "  ", (word, colour)))
    for each in term.parts:
        _grow(branch, each)


def _write_table(lines: list[Line]) -> None:
    from rich.table import Table  # noqa: PLC0415 - heavy for `--help`

    console = _console()
    things = dict.fromkeys((each.resource, each.field) for each in lines)
    for resource, field in things:
        own = [each for each in lines if (each.resource, each.field) == (resource, field)]
        table = Table(title=resource if field is None else f"{resource}.{field}", title_justify="left", title_style="bold")
        table.add_column("caller", no_wrap=True)
        for rule in own[0].rules:
            table.add_column(rule)
        for each in own:
            table.add_row(each.caller, *(_paint(rule) for rule in each.rules.values()))
        console.print(table)


def _paint(rule: str) -> Any:
    from rich.text import Text  # noqa: PLC0415 - heavy for `--help`

    return Text(rule, style={"yes": "green", "no": "red"}.get(rule, "yellow"))


def _console() -> Any:
    """What writes for people: as wide as the terminal, and 160 columns where there is none, so that a pipe cuts little."""
    import sys  # noqa: PLC0415 - heavy for `--help`

    from rich.console import Console  # noqa: PLC0415 - heavy for `--help`

    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)
