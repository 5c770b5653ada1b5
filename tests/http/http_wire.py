"""A transport in memory, for what sockets cannot show: what happens within one turn of the loop."""

import asyncio


class Wire(asyncio.Transport):
    """A transport in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        """The peer, as a socket would say."""
        return ("127.0.0.1", 1) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        assert not self.ended, "written after the end"
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        """Everything is read at once."""
        return 0

    def can_write_eof(self) -> bool:
        """As TCP."""
        return True

    def write_eof(self) -> None:
        """The end."""
        self.ended = True

    def close(self) -> None:
        """The end."""
        self.ended = True

    def abort(self) -> None:
        """The end."""
        self.ended = True

    def is_closing(self) -> bool:
        """Whether the end has come."""
        return self.ended
