"""What the driver raises, sorted by who can mend it."""

import apsw

from holdfast.base.errors import Broken, HoldfastError, Unavailable

_WORLD = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.ProtocolError,
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.PermissionsError,
    apsw.NoMemError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.InterruptError,
)
"""The disk, the file, another process: mended by time or the operator."""


def build_fault(error: apsw.Error) -> HoldfastError:
    """The error of ours for one of the driver's: Unavailable where the world is at fault, else Broken. Raise it `from` the driver's."""
    if isinstance(error, _WORLD):
        return Unavailable("unavailable")
    return Broken(f"{type(error).__name__}: {error}")


def is_damaging(error: apsw.Error) -> bool:
    """Whether the connection should not be trusted after this error."""
    return isinstance(error, (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.NoMemError))
