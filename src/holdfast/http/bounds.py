"""The bounds of a door as one value, so that a test or an operator can set each without touching another."""

from dataclasses import dataclass

from holdfast.base import limits


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes, times in seconds, counts per worker. Defaults and their sources: `base.limits`."""

    headers_bytes_max: int = limits.HEADERS_BYTES_MAX
    header_count_max: int = limits.HEADER_COUNT_MAX
    url_bytes_max: int = limits.URL_BYTES_MAX
    headers_receipt_s: float = limits.HEADERS_RECEIPT_S
    body_receipt_s: float = limits.BODY_RECEIPT_S
    keep_alive_s: float = limits.KEEP_ALIVE_S
    write_stall_s: float = limits.WRITE_STALL_S
    write_stall_bytes: int = limits.WRITE_STALL_BYTES
    unread_bytes_max: int = limits.UNREAD_BYTES_MAX
    linger_s: float = limits.LINGER_S
    linger_bytes_max: int = limits.LINGER_BYTES_MAX
    half_close_s: float = limits.HALF_CLOSE_S
    drain_quiet_s: float = limits.DRAIN_QUIET_S
    drain_s: float = limits.DRAIN_S
    connections_max: int = limits.CONNECTIONS_MAX
    connections_per_peer_max: int = limits.CONNECTIONS_PER_PEER_MAX
    pipelined_bytes_max: int = limits.PIPELINED_BYTES_MAX
    pipelined_per_turn: int = limits.PIPELINED_PER_TURN
    worker_silence_s: float = limits.WORKER_SILENCE_S
    sweep_s: float = 1.0
