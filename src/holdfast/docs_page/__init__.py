"""The docs page: Swagger UI, kept in this package, so that it works without the internet and under a strict policy.

The files are data: `docs.html` and `docs.js` are ours, the rest is as VENDORED.md says. Nothing here knows how they are served.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of the page: no inline script, no inline style, nothing from elsewhere."""

PAGE = ""
"""The name of the page itself; every other name is what stands after /docs/."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, its Content-Type, its Cache-Control, its Content-Security-Policy."""

    body: bytes
    content_type: str
    cache: str
    content_policy: str = CONTENT_POLICY


_NO_STORE, _AN_HOUR = "no-store", "private, max-age=3600"
_FILES = {
    PAGE: ("docs.html", "text/html; charset=utf-8", _NO_STORE),
    "docs.js": ("docs.js", "text/javascript; charset=utf-8", _AN_HOUR),
    "swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript; charset=utf-8", _AN_HOUR),
    "swagger-ui.css": ("swagger-ui.css", "text/css; charset=utf-8", _AN_HOUR),
    "favicon-32x32.png": ("favicon-32x32.png", "image/png", _AN_HOUR),
}


def load_docs_page() -> Mapping[str, Asset]:
    """Read every file of the page, by its name below /docs ("" is the page). About 2 MB."""
    folder = files(__name__)
    return {name: Asset((folder / file).read_bytes(), kind, cache) for name, (file, kind, cache) in _FILES.items()}
