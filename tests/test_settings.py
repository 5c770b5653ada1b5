"""Settings: sources, precedence, refusals, secrets."""

from pathlib import Path

import pytest

from holdfast.base.errors import Misconfigured
from holdfast.settings import Settings, read_settings, show_settings


def test_defaults_hold_where_nothing_is_given(tmp_path: Path) -> None:
    """Without any source every setting has its default."""
    assert Settings() == read_settings(folder=tmp_path, environ={})


def test_the_later_source_wins(tmp_path: Path) -> None:
    """Flags beat the environment, the environment beats the file, the file beats $PORT."""
    (tmp_path / "holdfast.toml").write_text('port = 1001\nworkers = 2\nhost = "::1"\n')
    environ = {"HOLDFAST_WORKERS": "3", "PORT": "1000"}

    settings = read_settings(folder=tmp_path, environ=environ, flags={"host": "localhost", "workers": None})

    assert (settings.port, settings.workers, settings.host) == (1001, 3, "localhost")


def test_the_platforms_port_is_the_default(tmp_path: Path) -> None:
    """$PORT stands in for the default port."""
    assert read_settings(folder=tmp_path, environ={"PORT": "1000"}).port == 1000


def test_the_project_names_its_app(tmp_path: Path) -> None:
    """`app` is read from [tool.holdfast] of pyproject.toml, and HOLDFAST_APP beats it."""
    (tmp_path / "pyproject.toml").write_text('[tool.holdfast]\napp = "library.py"\n')

    assert read_settings(folder=tmp_path, environ={}).app == "library.py"
    assert read_settings(folder=tmp_path, environ={"HOLDFAST_APP": "other.py"}).app == "other.py"


def test_the_environment_gives_every_kind(tmp_path: Path) -> None:
    """Texts of the environment become lists, bools, numbers and paths; an empty one was not given."""
    environ = {
        "HOLDFAST_CORS_ORIGINS": "https://a.example, https://b.example",
        "HOLDFAST_QUERY_METHOD": "true",
        "HOLDFAST_DATA": "/srv/data",
        "HOLDFAST_RATE_LIMIT": "off",
        "HOLDFAST_PORT": "",
    }

    settings = read_settings(folder=tmp_path, environ=environ)

    assert (("https://a.example", "https://b.example"), True, Path("/srv/data"), "off", 8000) == (
        settings.cors_origins,
        settings.query_method,
        settings.data,
        settings.rate_limit,
        settings.port,
    )


def test_other_peoples_variables_are_left_alone(tmp_path: Path) -> None:
    """The house's own variables, and those of Kubernetes for a service named holdfast, are no settings."""
    environ = {
        "HOLDFAST__SLOT": "1",
        "HOLDFAST_PORT": "tcp://10.0.0.7:8000",
        "HOLDFAST_PORT_8000_TCP_ADDR": "10.0.0.7",
        "HOLDFAST_SERVICE_HOST": "10.0.0.7",
        "OTHER": "x",
    }

    assert Settings() == read_settings(folder=tmp_path, environ=environ)


@pytest.mark.parametrize(
    ("file", "environ", "flags", "place", "mend"),
    [
        ("prot = 1", {}, {}, "holdfast.toml: prot", "`port`"),
        ("", {"HOLDFAST_PROT": "1"}, {}, "HOLDFAST_PROT", "`HOLDFAST_PORT`"),
        ("", {"HOLDFAST_XYZZY": "1"}, {}, "HOLDFAST_XYZZY", "Known here"),
        ('port = "8000"', {}, {}, "holdfast.toml: port", "0 to 65535"),
        ("port = 70000", {}, {}, "holdfast.toml: port", "0 to 65535"),
        ("data = 7", {}, {}, "holdfast.toml: data", "Give a text"),
        ("", {"HOLDFAST_PORT": "http"}, {}, "HOLDFAST_PORT", "0 to 65535"),
        ("", {"PORT": "-1"}, {}, "PORT", "0 to 65535"),
        ("", {"HOLDFAST_RATE_LIMIT": "600"}, {}, "HOLDFAST_RATE_LIMIT", "600/minute"),
        ("", {"HOLDFAST_DOCS": "everyone"}, {}, "HOLDFAST_DOCS", "signed_in"),
        ("", {}, {"workers": 0}, "--workers", "1 to 256"),
        ('cors_origins = ["https://example.org/"]', {}, {}, "holdfast.toml: cors_origins", "no path"),
        ("", {"HOLDFAST_CORS_ORIGINS": "https://a.example,*"}, {}, "HOLDFAST_CORS_ORIGINS", "no `*`"),
        ("", {"HOLDFAST_TRUSTED_PROXIES": "10.0.0.1/8"}, {}, "HOLDFAST_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("port =", {}, {}, "holdfast.toml", "Correct this line"),
    ],
)
def test_what_does_not_fit_says_where_and_what_to_do(
    tmp_path: Path, file: str, environ: dict[str, str], flags: dict[str, object], place: str, mend: str
) -> None:
    """An unknown name or an unfit value names its source, and the mend."""
    (tmp_path / "holdfast.toml").write_text(file)

    with pytest.raises(Misconfigured) as caught:
        read_settings(folder=tmp_path, environ=environ, flags=flags)

    assert place == caught.value.place
    assert mend in caught.value.mend


def test_only_app_is_read_from_pyproject(tmp_path: Path) -> None:
    """Another key of [tool.holdfast] is refused, with the file it belongs into."""
    (tmp_path / "pyproject.toml").write_text("[tool.holdfast]\nport = 1\n")

    with pytest.raises(Misconfigured, match=r"holdfast\.toml"):
        read_settings(folder=tmp_path, environ={})


def test_secrets_never_show(tmp_path: Path) -> None:
    """Neither the repr nor a report of the settings nor a refusal holds a key, a token, or a password of a URL."""
    environ = {"HOLDFAST_KEY": "k3y" * 9, "HOLDFAST_METRICS_TOKEN": "t0ken-t0ken-t0ken", "HOLDFAST_DATABASE": "postgresql://me:pa55@db/x"}
    settings = read_settings(folder=tmp_path, environ=environ)
    with pytest.raises(Misconfigured) as caught:
        read_settings(folder=tmp_path, environ={"HOLDFAST_METRICS_TOKEN": "t0ken"})

    for shown in (repr(settings), str(show_settings(settings)), str(caught.value)):
        assert not any(secret in shown for secret in ("k3y", "t0ken", "pa55"))
    assert show_settings(settings)["database"] == "postgresql://me:***@db/x"
