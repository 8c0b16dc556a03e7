"""Checks the body of a request to the emulator against the hash that its signature covers."""

import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Self

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class Body:
    """A request's body, complete or still arriving, which is checked against its hash if the request has one."""

    def __init__(self, receive: Receive, said: str | None = None, content: bytes | None = None) -> None:
        self.is_other = False
        self.content = content or b""
        self._rest = receive
        self._said = said
        self._hash = hashlib.sha256(self.content)
        self._is_read = content is not None

    @classmethod
    async def read(cls, receive: Receive) -> Self:
        """The whole body, or what arrived of it if the caller hangs up."""
        content = bytearray()
        while (message := await receive())["type"] == "http.request":
            content += message.get("body", b"")
            if not message.get("more_body", False):
                break
        return cls(receive, content=bytes(content))

    @property
    def sha256(self) -> str:
        """The hash of what has been read so far."""
        return self._hash.hexdigest()

    async def receive(self) -> Message:
        """The ASGI receive function. If the body is not the one that was signed, it reports that the caller hung up."""
        if self._is_read:
            self._is_read = False
            return {"type": "http.request", "body": self.content, "more_body": False}
        message = await self._rest()
        if self._said is None or message["type"] != "http.request":
            return message
        self._hash.update(message.get("body", b""))
        if not message.get("more_body", False) and self.sha256 != self._said:
            self.is_other = True
            return {"type": "http.disconnect"}
        return message
