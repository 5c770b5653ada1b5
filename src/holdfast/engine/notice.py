"""What a head tells beside what it asks: by which proxy it came, from which page, within which trace."""

from collections.abc import Callable
from typing import NamedTuple

from holdfast.base.observe import Trace
from holdfast.core.cors import Cors
from holdfast.core.exchange import Head
from holdfast.core.forwarding import FORWARDING, Proxies, came_by_tls
from holdfast.core.negotiate import parse_traceparent
from holdfast.core.reply import HSTS, Headers
from holdfast.ports.world import Entropy

_SPAN_BITS = 64
_NOTICED = FORWARDING | {"origin", "traceparent"}


class Notice(NamedTuple):
    """What was noticed.

    headers  what every answer to this request carries, a refusal too: else a page could not read it
    trace    the trace that the request is part of
    """

    headers: Headers = ()
    trace: Trace | None = None


NOTHING = Notice()


class Notices:
    """Reads what stands around a request.

    note_forwarded  told the address of whoever sends forwarding headers and is no trusted proxy
    """

    def __init__(self, proxies: Proxies, cors: Cors, entropy: Entropy, note_forwarded: Callable[[str], None]) -> None:
        self._proxies, self._cors, self._entropy, self._note_forwarded = proxies, cors, entropy, note_forwarded

    def read(self, head: Head) -> Notice:
        """Notice what there is. Behind a trusted proxy `head.peer` becomes the address of its client."""
        if _NOTICED.isdisjoint(head.headers):
            return NOTHING
        headers = self._cors.headers_for(head.header("origin"))
        if not FORWARDING.isdisjoint(head.headers):
            headers += self._follow(head)
        return Notice(headers, self._continue(head.header("traceparent")))

    def _follow(self, head: Head) -> Headers:
        if not self._proxies.trust(head.peer):
            self._note_forwarded(head.peer)
            return ()
        head.peer = self._proxies.find_client(head)
        return (HSTS,) if came_by_tls(head) else ()

    def _continue(self, header: str | None) -> Trace | None:
        parent = parse_traceparent(header)
        if parent is None:
            return None
        return Trace(parent.trace_id, f"{self._entropy.bits(_SPAN_BITS) or 1:016x}", parent.parent_id)
