"""A network between a server and PostgreSQL that loses a connection at the moment it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from psycopg.conninfo import conninfo_to_dict

# PostgreSQL's protocol, message formats: a simple Query, and what a CommandComplete of it carries.
COMMIT = b"Q\0\0\0\x0bCOMMIT\0"
COMMITTED = b"COMMIT\0"
CHUNK = 65536
Loss = Literal["the commit", "its answer"]


class Line:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.is_mute = False
        self._pumps = 2
        self._counting = threading.Lock()

    def cut(self) -> None:
        """Both ends find it closed."""
        for end in (self.client, self.server):
            with suppress(OSError):  # it is closed already
                end.shutdown(socket.SHUT_RDWR)

    def pump_ends(self) -> None:
        """One direction has ended: so does the other, and the last of them closes both sockets."""
        self.cut()
        with self._counting:
            self._pumps -= 1
            if self._pumps == 0:
                self.client.close()
                self.server.close()


class Proxy:
    """Listens on a port of its own and passes everything on."""

    def __init__(self, url: str) -> None:
        """`url` is a database's, on a Unix socket."""
        parts = conninfo_to_dict(url)
        self._address = f"{parts['host']}/.s.PGSQL.{parts.get('port') or 5432}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://postgres@127.0.0.1:{self._listener.getsockname()[1]}/{parts['dbname']}"
        self._lines: list[Line] = []
        self._loss: Loss | None = None
        self.lost = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, what: Loss) -> None:
        """Cut the line of the next commit: before PostgreSQL hears of it, or after it has answered."""
        self.lost.clear()
        self._loss = what

    def cut(self) -> int:
        """Cut every line there is; tells how many."""
        lines, self._lines = self._lines, []
        for line in lines:
            line.cut()
        return len(lines)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the accepting thread; a close alone does not
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._address)
                line = Line(client, server)
                self._lines.append(line)
                for pump in (self._to_server, self._to_client):
                    threading.Thread(target=self._pump, args=(pump, line), daemon=True).start()

    def _pump(self, pump: Callable[[Line], None], line: Line) -> None:
        with suppress(OSError):  # cut
            pump(line)
        line.pump_ends()

    def _to_server(self, line: Line) -> None:
        while sent := line.client.recv(CHUNK):
            if COMMIT in sent and self._loss is not None:
                loss, self._loss = self._loss, None
                if loss == "the commit":
                    self.lost.set()
                    line.cut()
                    return
                line.is_mute = True
            line.server.sendall(sent)

    def _to_client(self, line: Line) -> None:
        while received := line.server.recv(CHUNK):
            if not line.is_mute:
                line.client.sendall(received)
            elif COMMITTED in received:
                self.lost.set()
                line.cut()


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """A proxy before the database of that URL."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
