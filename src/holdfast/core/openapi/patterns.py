"""Regular expressions of texts. ECMA 262, Python and Rust read them alike: no `\\d`, `\\w` or `.`, whose meaning differs.

The names without SHOWN carry no anchors, so that they can be parts of others; they describe what may be sent.
"""

NUL = "\\x00"
"""What no text may hold."""

_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
DATE = f"({_YEAR}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|{_LEAP_YEAR}-02-29)"
"""A day that exists, in the years 1 to 9999."""

_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
TIME = f"{_CLOCK}(\\.[0-9]{{1,6}})?"
TIMESTAMP = f"{DATE}[Tt]{TIME}([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

_SECONDS = "[0-9]{1,9}(\\.[0-9]{1,6})?S"
_CLOCK_PART = f"T([0-9]{{1,7}}H([0-9]{{1,8}}M)?({_SECONDS})?|[0-9]{{1,8}}M({_SECONDS})?|{_SECONDS})"
DURATION = f"[+-]?P([0-9]{{1,7}}W|[0-9]{{1,8}}D({_CLOCK_PART})?|{_CLOCK_PART})"
"""Weeks, or days, hours, minutes and seconds: so many digits of each always fit 64 bits of microseconds."""

SHOWN_TIME = f"^{_CLOCK}\\.[0-9]{{6}}$"
SHOWN_TIMESTAMP = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}\\.[0-9]{{6}}Z$"
SHOWN_DURATION = "^-?P[0-9]{1,9}DT[0-9]{1,2}H[0-9]{1,2}M[0-9]{1,2}\\.[0-9]{6}S$"

_HEX = "[0-9A-Fa-f]"
UUID = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
CHOSEN_ID = f"^{_HEX}{{8}}-{_HEX}{{4}}-[47]{_HEX}{{3}}-[89ABab]{_HEX}{{3}}-{_HEX}{{12}}$"
"""An id that a client may choose: UUID version 4 or 7."""

ONE_LABEL = "@[^.]*$"
"""An address whose domain has one label: what the format accepts and we do not."""

INTEGER = "-?(0|[1-9][0-9]{0,17})"
"""So many digits always fit 64 bits."""

FLOAT = "-?(0|[1-9][0-9]{0,15})(\\.[0-9]{1,15})?([Ee][+-]?[0-9]{1,2})?"

CURSOR = "^[A-Za-z0-9_-]+$"
IDEMPOTENCY_KEY = "^[!-~]+$"
REQUEST_ID = "^[A-Za-z0-9._-]{1,64}$"
_TAG = '"[1-9][0-9]{0,17}-[0-9a-f]{8}"'
ETAG = f"^{_TAG}$"
IF_MATCH = f"^(\\*|(W/)?{_TAG})$"
