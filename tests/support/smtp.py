"""A tiny mail server (RFC 5321) that does what a test tells it to."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

DROP = "drop"
"""As an answer: hang up instead of answering."""


@dataclass
class MailServer:
    """Takes every mail, unless `answers["RCPT"]` (or MAIL, DATA, END, AUTH, EHLO) holds another answer to give next.

    `END` is the answer after the text. A mail counts as taken before that answer is given, as in life.
    """

    port: int = 0
    connections: int = 0
    extensions: tuple[str, ...] = ("AUTH PLAIN", "8BITMIME")
    answers: dict[str, deque[str]] = field(default_factory=dict)
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    """(recipient, text) of every mail taken."""
    credentials: list[str] = field(default_factory=list)

    def next_time(self, command: str, *answers: str) -> None:
        self.answers.setdefault(command, deque()).extend(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except ConnectionError:
            pass  # the client hung up, which is its right
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).decode().strip():
            command = line.partition(" ")[0].upper()
            if command == "RCPT":
                recipient = line.partition("<")[2].rpartition(">")[0]
            if command == "AUTH":
                self.credentials.append(line)
            answer = self._answer(command)
            if answer == DROP:
                return
            writer.write(f"{answer}\r\n".encode())
            if command == "DATA" and answer.startswith("354"):
                text = await reader.readuntil(b"\r\n.\r\n")
                answer = self._answer("END")
                if answer == DROP or answer.startswith("250"):
                    self.mails.append((recipient, text.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")))
                if answer == DROP:
                    return
                writer.write(f"{answer}\r\n".encode())
            await writer.drain()
            if command == "QUIT":
                return

    def _answer(self, command: str) -> str:
        scripted = self.answers.get(command)
        if scripted:
            return scripted.popleft()
        usual = {"DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome"}
        if command == "EHLO":
            lines = ["test", *self.extensions]
            return "\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"])
        return usual.get(command, "250 fine")


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server on a free port of this machine."""
    server = MailServer()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
