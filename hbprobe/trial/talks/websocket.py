"""WebSocket (RFC 6455): the opening handshake, and Pings, which every endpoint answers with Pongs."""

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Message,
    Ping,
    Pong,
    RejectConnection,
    Request,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from hbprobe.farend.hold_request import nonce_announced
from hbprobe.trial.talks.talk import Talk, Where, refusal

_MARK = b"hbprobe"
_REFUSALS = {
    400: "the server does not take the request, perhaps for want of a sub-protocol or a header",
    426: "it wants another version of WebSocket",
}


class WebSocketTalk(Talk):
    """A client's side of one WebSocket."""

    whispers = True

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self._connection = WSConnection(ConnectionType.CLIENT)

    def begin(self) -> bytes:
        """Ask for the upgrade."""
        options = self.where.options
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in options.headers]
        return self._connection.send(
            Request(
                host=self.where.authority,
                target=self.where.path,
                extra_headers=headers,
                subprotocols=list(options.subprotocols),
            )
        )

    def take(self, data: bytes) -> bytes:
        """Take frames; a Ping of the server's is answered, and so is its Close."""
        if self.trouble:
            return b""
        try:
            self._connection.receive_data(data)
            return b"".join(self._event(event) for event in self._connection.events())
        except (RemoteProtocolError, LocalProtocolError, ValueError) as error:
            if not self.disconnect_notice:
                self.trouble = f"the server does not speak WebSocket: {error}"
            return b""

    def ask(self) -> bytes:
        """Send a Ping."""
        self.answered = False
        return self._send(Ping(payload=_MARK))

    def whisper(self) -> bytes:
        """Send a Pong that nobody asked for, to which no answer is due (RFC 6455, section 5.5.3)."""
        return self._send(Pong(payload=_MARK))

    def _event(self, event: object) -> bytes:
        match event:
            case AcceptConnection(extra_headers=headers):
                self.stands, self.witness_nonce = True, nonce_announced(headers)
            case RejectConnection(status_code=status, headers=headers):
                self.trouble = refusal(status, "a WebSocket", headers, _REFUSALS)
            case Ping():
                return self._send(event.response())
            case Pong(payload=payload) if bytes(payload) == _MARK:
                self.answered = True
            case CloseConnection(code=code, reason=reason):
                self.disconnect_notice = f"Close, code {int(code)}" + (f" ({reason})" if reason else "")
                return self._send(event.response())
            case Message():
                pass
        return b""

    def _send(self, event: Ping | Pong | CloseConnection) -> bytes:
        try:
            return self._connection.send(event)
        except LocalProtocolError:  # the server has closed it meanwhile
            return b""


make = WebSocketTalk
