"""The keys of all loads: 32 bytes each.

A tag, 12 digits, and the number of the run: redis-benchmark begins its random
numbers where the time and its process id say, so two runs may draw the same
ones. The number stands last, so that the keys of a run are spread over all
that are stored.
"""
from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

KEY_BYTES = 32
TAG_BYTES = 14  # with a colon
DIGITS = 12  # that redis-benchmark writes
RUN_BYTES = KEY_BYTES - TAG_BYTES - DIGITS
RECEIPT_BYTES = 20


def head(tag: str) -> str:
    text = f"{tag:-<{TAG_BYTES - 1}}:"
    if len(text) != TAG_BYTES:
        raise ValueError(f"the tag {tag} is too long")
    return text


def tail(run: int) -> str:
    return f".{run % 10 ** (RUN_BYTES - 1):0{RUN_BYTES - 1}}"


def pattern(tag: str, run: int = 0) -> str:
    """For redis-benchmark."""
    return head(tag) + "__rand_int__" + tail(run)


def key_of(tag: str) -> Callable[[int], bytes]:
    """The n-th key of a kind, as redis-benchmark writes it in run 0."""
    first, last = head(tag).encode(), tail(0).encode()
    return lambda number: b"%s%012d%s" % (first, number, last)


def random_key(number: int) -> bytes:
    """32 hexadecimal digits that nothing can make shorter than 16 bytes."""
    digest = hashlib.blake2b(b"k%d" % number, digest_size=KEY_BYTES // 2)
    return digest.hexdigest().encode()


def random_receipt(number: int) -> bytes:
    """20 letters and digits that hold 15 random bytes."""
    digest = hashlib.blake2b(b"r%d" % number, digest_size=15).digest()
    return base64.urlsafe_b64encode(digest)
