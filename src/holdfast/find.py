"""Finds the developer's Backend: by file or by module."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from holdfast.base.errors import Misconfigured, Misused
from holdfast.base.hint import find_nearest
from holdfast.model.backend import Backend

_HOUSE = str(Path(__file__).parent)


def load_backend(app: str) -> Backend:
    """Find the Backend that `app` names: `file.py`, `file.py:attribute`, `module` or `module:attribute`.

    A file is imported by its path, with its folder first on `sys.path`; a module as `import` finds it from the working directory.
    Without an attribute the module must hold exactly one Backend.

    Raises Misconfigured: no such file or module, an error while it is imported (the developer's exception is its cause), no Backend,
    several Backends, no such attribute.
    """
    place, _, attribute = app.partition(":")
    module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    return _pick_named(module, app, attribute) if attribute else _pick_only(module, app)


def check_file(app: str) -> None:
    """Refuse an app whose file is not there, without importing anything. Raises Misconfigured."""
    place = app.partition(":")[0]
    if place.endswith(".py") and not Path(place).is_file():
        raise Misconfigured(place, "There is no such file.", _nearest_file(Path(place)))


def _import_file(path: Path) -> ModuleType:
    check_file(str(path))
    path = path.resolve()
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.stdlib_module_names else f"app_{path.stem}"
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if known is not None:
        name = f"app_{name}"  # a module of another file holds this name already
    _look_in(path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: quoted annotations are resolved through sys.modules
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        _explain_import(str(path), error)
        raise
    return module


def _import_module(name: str) -> ModuleType:
    _look_in(Path.cwd())
    try:
        return importlib.import_module(name)
    except (ModuleNotFoundError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name is not None and not f"{name}.".startswith(f"{error.name}."):
            _explain_import(name, error)
        mend = f"Name a file ({name or 'app'}.py) or a module that can be imported from {Path.cwd()}."
        raise Misconfigured(name or "app", "There is no such module.", mend) from None
    except BaseException as error:
        _explain_import(name, error)
        raise


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _explain_import(place: str, error: BaseException) -> None:
    """Raise Misconfigured for what the developer's code raised; what must pass (a wrong declaration, Ctrl-C) is left to the caller."""
    if isinstance(error, SyntaxError):
        where = f"{error.filename or place}:{error.lineno}"
        raise Misconfigured(where, f"{type(error).__name__}: {error.msg}.", "Correct this line.") from error
    if isinstance(error, Misused):
        raise Misconfigured(_place_of(error), error.problem, error.mend) from error
    if isinstance(error, (Exception, SystemExit)) and not isinstance(error, Misconfigured):
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise Misconfigured(place, f"It raised {said.rstrip('.')} while it was imported.", _mend_of(error)) from error


def _place_of(error: BaseException) -> str:
    """The file and line of the developer's code that it comes from."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith("<")]
    theirs = [each for each in frames if not each.filename.startswith(_HOUSE)] or frames
    return f"{theirs[-1].filename}:{theirs[-1].lineno}"


def _mend_of(error: BaseException) -> str:
    where = _place_of(error)
    if isinstance(error, ModuleNotFoundError):
        return f"Install the package into this environment ({sys.prefix}), or correct the import; see {where}."
    return f"See {where}; a module that declares a Backend must be importable without doing anything else."


def _nearest_file(path: Path) -> str:
    there = sorted(each.name for each in path.parent.glob("*.py")) if path.parent.is_dir() else []
    near = find_nearest(path.name, there)
    if near is not None:
        return f"Did you mean {path.parent / near}?"
    return f"Name the file that declares your Backend; {path.parent.resolve()} has {', '.join(there[:8]) or 'no .py file'}."


def _pick_named(module: ModuleType, app: str, attribute: str) -> Backend:
    found: object = module
    for name in attribute.split("."):
        found = getattr(found, name, None)
    if isinstance(found, Backend):
        return found
    held = _backends(module)
    mend = f"The module has {', '.join(held)}." if held else "Declare one: `backend = Backend(Author, Book)`."
    raise Misconfigured(app, f"`{attribute}` is not a Backend.", mend)


def _pick_only(module: ModuleType, app: str) -> Backend:
    held = _backends(module)
    if not held:
        raise Misconfigured(app, "It declares no Backend.", "Add one at the end: `backend = Backend(Author, Book)`.")
    if len(held) > 1:
        raise Misconfigured(app, f"It declares several Backends: {', '.join(held)}.", f"Say which: `{app}:{next(iter(held))}`.")
    return next(iter(held.values()))


def _backends(module: ModuleType) -> dict[str, Backend]:
    """Every Backend of a module by its first name; two names of one object are one Backend."""
    held: dict[str, Backend] = {}
    for name, value in vars(module).items():
        if isinstance(value, Backend) and not any(value is each for each in held.values()):
            held[name] = value
    return held
