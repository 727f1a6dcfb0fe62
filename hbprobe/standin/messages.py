"""A request as it came, and the answer to it, without sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PATH = "/Microsoft-Server-ActiveSync"
WBXML = "application/vnd.ms-sync.wbxml"


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """One HTTP request to the ActiveSync path."""

    method: str = "POST"
    query: str = ""
    """What stands after the question mark, undecoded."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case, Authorization left out."""
    authorization: str = field(default="", repr=False)
    """By itself, so that no password gets where headers are shown."""
    body: bytes = b""
    path: str = PATH
    peer: str = "?"
    """The address that it came from."""
    peer_port: int | None = None

    @property
    def user_agent(self) -> str:
        """The client's own name, empty where it gives none."""
        return self.headers.get("user-agent", "")


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    substatus: int = 0
    """What IIS logs beside the status: 19 beside 404 where a filtering rule denied the request."""

    def header(self, name: str) -> str | None:
        """Return the value of a header, by its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def message(body: bytes, *headers: tuple[str, str]) -> ServerAnswer:
    """Answer 200 with a WBXML message; an empty one has no type."""
    return ServerAnswer(body=body, headers=(*((("Content-Type", WBXML),) if body else ()), *headers))


def refusal(status: int, why: str, *headers: tuple[str, str], substatus: int = 0) -> ServerAnswer:
    """Answer with an HTTP status, and say why in one line."""
    text = why.encode("ascii", "backslashreplace") + b"\n"
    return ServerAnswer(status, text, (("Content-Type", "text/plain"), *headers), substatus)


class RefusedRequestError(Exception):
    """The request gets this answer instead of what it asked for."""

    def __init__(self, answer: ServerAnswer, error: str, command_status: int | None = None) -> None:
        super().__init__(error)
        self.answer = answer
        self.error = error
        """How Exchange calls it in its log."""
        self.command_status = command_status
