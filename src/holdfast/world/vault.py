"""The vault: the master key and what needs it, and the slow hash of secret fields.

The key is 32 random bytes in `<data>/key` (mode 0600), made once; it is not in the database, so that a stolen database alone proves
nothing and opens nothing. Each purpose gets its own key by HKDF (RFC 5869).
"""

import asyncio
import contextlib
import hashlib
import hmac
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from holdfast.base.errors import Misconfigured, Unavailable
from holdfast.base.limits import HASHES_SEALING_MAX, HASHES_WAITING_MAX

if TYPE_CHECKING:
    import argon2

Value = TypeVar("Value")

KEY_BYTES = 32
_NONCE_BYTES = 12
_HASHES_AT_ONCE = 2  # an Argon2id hash takes 19 MiB and a whole core for some 70 ms
_ARGON2_MEMORY_KIB, _ARGON2_TIME, _ARGON2_LANES = 19_456, 2, 1  # OWASP password storage: 19 MiB, t=2, p=1
_NICENESS = 10  # of the hashing threads: where the cores are few, reads go first
_NO_HASH = f"$argon2id$v=19$m={_ARGON2_MEMORY_KIB},t={_ARGON2_TIME},p={_ARGON2_LANES}${'A' * 22}${'A' * 43}"
"""A hash that nothing has: to compare with it takes as long as with any other."""


def load_key(path: Path, *, make: bool = True) -> bytes:
    """Read the master key, or (where `make`) make it on the first start; of many starters one wins and all read its key.

    Raises Misconfigured where the file is not a key or cannot be read.
    """
    if make and not path.exists():
        try:
            _make_key(path)
        except OSError as error:
            raise Misconfigured(
                str(path), f"The master key cannot be made ({error.strerror}).", "Let the data folder be writable."
            ) from error
    return _read_key_file(path)


def _make_key(path: Path) -> None:
    """Write the whole key beside its place, then link it there: a reader sees no key or a whole one, and the first link wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def parse_key(place: str, text: str) -> bytes:
    """Read a key that is written as hexadecimal digits; `place` is where it stands. Raises Misconfigured."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        mend = f"Write {KEY_BYTES} random bytes as {KEY_BYTES * 2} hexadecimal digits, or restore the key from its backup."
        raise Misconfigured(place, "The master key is not one.", mend)
    return key


def _read_key_file(path: Path) -> bytes:
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            str(path), "The master key cannot be read.", "Restore the file from its backup, readable by this user."
        ) from error
    return parse_key(str(path), text)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Vault:
    """Signs, encrypts and hashes. Its repr shows nothing."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._derived: dict[str, bytes] = {}
        self._signing: dict[str, hashlib.blake2b] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._sealing = 0

    def __repr__(self) -> str:
        return "Vault(...)"

    def key_for(self, purpose: str) -> bytes:
        """The 32-byte key of one purpose."""
        key = self._derived.get(purpose)
        if key is None:
            extracted = hmac.digest(b"holdfast", self._key, "sha256")
            key = self._derived[purpose] = hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
        return key

    def sign(self, purpose: str, message: bytes) -> bytes:
        """A keyed 16-byte digest of a message."""
        begun = self._signing.get(purpose)
        if begun is None:
            begun = self._signing[purpose] = hashlib.blake2b(digest_size=16, key=self.key_for(purpose))
        signing = begun.copy()  # takes a third of the time of beginning with the key anew
        signing.update(message)
        return signing.digest()

    async def seal(self, kind: str, text: str) -> str:
        """What is stored of a secret: its Argon2id hash ("hashed"), or itself encrypted with AES-256-GCM ("encrypted")."""
        if kind != "hashed":
            return self._encrypt(text)
        if self._sealing >= HASHES_SEALING_MAX:  # the other places are kept for who signs in
            raise Unavailable("overloaded", retry_after_s=2)
        self._sealing += 1
        try:
            return await self._run(_hash, text)
        finally:
            self._sealing -= 1

    async def verify(self, sealed: str | None, text: str) -> bool:
        """Whether a text has the hash that `seal("hashed", ...)` made. Without a hash it takes as long, and is false."""
        return await self._run(_verify, _NO_HASH if sealed is None else sealed, text)

    def needs_rehash(self, sealed: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return _hasher().check_needs_rehash(sealed)

    async def _run(self, work: Callable[..., Value], *texts: str) -> Value:
        """Hash in the pool, which is bounded as its queue is: many sign-ins at once must not keep others waiting, nor fill the memory."""
        if self._waiting >= _HASHES_AT_ONCE + HASHES_WAITING_MAX:
            raise Unavailable("overloaded", retry_after_s=2)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_HASHES_AT_ONCE, thread_name_prefix="vault", initializer=_stand_back)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *texts)
        finally:
            self._waiting -= 1

    def unseal(self, sealed: str) -> str:
        """Decrypt what `seal("encrypted", ...)` made; for the developer's own code, never for an answer."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - heavy, and few backends have secrets

        raw = bytes.fromhex(sealed.removeprefix("aes256gcm:"))
        return AESGCM(self.key_for("secret fields")).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()

    def close(self) -> None:
        """Release the hashing threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _encrypt(self, text: str) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - heavy, and few backends have secrets

        nonce = secrets.token_bytes(_NONCE_BYTES)
        return "aes256gcm:" + (nonce + AESGCM(self.key_for("secret fields")).encrypt(nonce, text.encode(), None)).hex()


def _hash(text: str) -> str:
    return _hasher().hash(_normalize(text))


def _verify(sealed: str, text: str) -> bool:
    import argon2  # noqa: PLC0415 - heavy, and few backends have secrets

    try:
        return _hasher().verify(sealed, _normalize(text))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _normalize(text: str) -> str:
    """The same text in the same bytes, however a keyboard composed it (NIST 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFC", text)


@lru_cache(1)
def _hasher() -> "argon2.PasswordHasher":
    import argon2  # noqa: PLC0415 - heavy, and few backends have secrets

    return argon2.PasswordHasher(time_cost=_ARGON2_TIME, memory_cost=_ARGON2_MEMORY_KIB, parallelism=_ARGON2_LANES)


def _stand_back() -> None:
    """Let a hashing thread go after the loop; a system where a thread has no niceness of its own is left as it is."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
