"""Backend: the classes that are served together, frozen into a catalog when it is made."""

from typing import Never

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.model.catalog import Catalog
from holdfast.model.freeze.catalog import freeze
from holdfast.model.freeze.warnings import find_warnings
from holdfast.model.resource import Resource
from holdfast.model.user import PATH as USERS

_OPTIONS = ("title", "version", "description", "require_version", "registration")


class Backend:
    """A backend declared once: `backend = Backend(Author, Book)`.

    classes          the resources to serve, in the order in which they are documented; users come with them
    title, version, description   of the API, for its documentation
    require_version  whether changes need the version that was read; a class may say otherwise
    registration     whether anyone may make an account for themselves

    Raises Misconfigured with class, field and mend of every mistake that was found in the declaration.
    """

    catalog: Catalog

    def __init__(
        self,
        *classes: type[Resource],
        title: str = "Holdfast",
        version: str = "1",
        description: str = "",
        require_version: bool = True,
        registration: bool = False,
        **unknown: Never,
    ) -> None:
        if unknown:
            name = next(iter(unknown))
            raise Misconfigured("Backend", f'It has no option "{name}".', suggest(name, _OPTIONS))
        resources, roles = freeze(classes, require_version=require_version, registration=registration)
        self.catalog = Catalog(
            resources, title, version, description, registration, find_warnings(resources), users=resources[USERS], roles=roles
        )
