"""A connection that both servers understand: lines out, lines back.

dedupd speaks lines by nature, Redis calls them inline commands. Their replies
are one line each but for STATS and INFO.
"""
from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence


class WireError(Exception):
    """An answer that was not the expected one, or none."""


class Wire:
    """One TCP connection to a server on this machine."""

    def __init__(self, port: int, timeout_s: float = 30) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _receive(self) -> bytes:
        data = self.socket.recv(1 << 18)
        if not data:
            raise WireError("the server closed the connection")
        return data

    def lines(self, count: int) -> bytes:
        """The next `count` lines of the replies."""
        parts, missing = [self.left], count - self.left.count(b"\n")
        while missing > 0:
            parts.append(self._receive())
            missing -= parts[-1].count(b"\n")
        data = b"".join(parts)
        end = len(data)
        for _ in range(-missing + 1):
            end = data.rindex(b"\n", 0, end)
        self.left = data[end + 1:]
        return data[:end + 1]

    def bytes(self, count: int) -> bytes:
        data = self.left
        while len(data) < count:
            data += self._receive()
        self.left = data[count:]
        return data[:count]

    def ask(self, request: str) -> str:
        self.send(request.encode() + b"\n")
        return self.lines(1).decode().rstrip("\r\n")

    def stats(self) -> dict[str, str]:
        """dedupd's STATS."""
        word, _, count = self.ask("STATS").partition(" ")
        if word != "STATS":
            raise WireError("STATS was not answered")
        return dict(line.split(" ", 1)
                    for line in self.lines(int(count)).decode().splitlines())

    def info(self, section: str) -> dict[str, str]:
        """One section of Redis's INFO."""
        size = self.ask(f"INFO {section}")
        if not size.startswith("$"):
            raise WireError("INFO was not answered")
        text = self.bytes(int(size[1:]) + 2).decode()
        return dict(line.split(":", 1)
                    for line in text.splitlines() if ":" in line)


class Loader:
    """Many requests over a few connections, all answers checked."""

    def __init__(self, port: int, connections: int = 8,
                 batch: int = 500) -> None:
        """`batch` requests go over a connection between two looks at its
        answers."""
        self.batch = batch
        self.wires = [Wire(port) for _ in range(connections)]

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self.wires:
            wire.socket.close()

    def run(self, requests: Iterable[bytes], expected: bytes) -> None:
        """Sends requests, each with its LF. Every answer has to begin with
        `expected`."""
        lot: list[bytes] = []
        for request in requests:
            lot.append(request)
            if len(lot) == self.batch * len(self.wires):
                self._lot(lot, expected)
                lot.clear()
        self._lot(lot, expected)

    def _lot(self, lot: Sequence[bytes], expected: bytes) -> None:
        cuts = [lot[at:at + self.batch]
                for at in range(0, len(lot), self.batch)]
        for wire, cut in zip(self.wires, cuts):
            wire.send(b"".join(cut))
        for wire, cut in zip(self.wires, cuts):
            check_answers(wire.lines(len(cut)), len(cut), expected)


def check_answers(answers: bytes, count: int, expected: bytes) -> None:
    """All `count` lines have to begin with `expected`."""
    if (b"\n" + answers).count(b"\n" + expected) == count:
        return
    for line in answers.splitlines():
        if not line.startswith(expected):
            raise WireError(f"answered {line[:80].decode(errors='replace')}"
                            f" instead of {expected.decode()}")
    raise WireError("fewer answers than requests")
