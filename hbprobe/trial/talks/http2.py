"""HTTP/2 (RFC 9113): the preface, and PING frames, which every server answers; no request is needed."""

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event, PingAckReceived, RemoteSettingsChanged
from h2.exceptions import ProtocolError

from hbprobe.farend.hold_request import nonce_set
from hbprobe.trial.talks.talk import Talk, Where, told

_MARK = b"hbprobe."
_HEADER_BYTES, _KIND_AT, _SETTINGS = 9, 3, 4


class Http2Talk(Talk):
    """A client's side of one HTTP/2 connection without streams."""

    alpn = "h2"
    whispers = True
    end_to_end = False
    since = "the connection stood"

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self._connection = H2Connection(H2Configuration(client_side=True))
        self._first = bytearray()

    def begin(self) -> bytes:
        """Send the preface and settings."""
        self._connection.initiate_connection()
        return self._connection.data_to_send()

    def take(self, data: bytes) -> bytes:
        """Take frames; settings and PINGs of the server's are acknowledged."""
        if self.trouble or self.disconnect_notice:
            return b""
        if not self.stands and self._is_other(data):
            self.trouble = f"the server does not speak HTTP/2: {told(bytes(self._first))}"
            return b""
        try:
            for event in self._connection.receive_data(data):
                self._event(event)
        except (ProtocolError, ValueError) as error:
            if not self.disconnect_notice:
                self.trouble = f"the server does not speak HTTP/2: {error}"
        return self._connection.data_to_send()

    def ask(self) -> bytes:
        """Send a PING."""
        self.answered = False
        try:
            self._connection.ping(_MARK)
        except ProtocolError:  # the server has said GOAWAY meanwhile
            return b""
        return self._connection.data_to_send()

    def whisper(self) -> bytes:
        """Send WINDOW_UPDATE (section 6.9), which gives the server room, and is not answered."""
        try:
            self._connection.increment_flow_control_window(1)
        except ProtocolError:  # the server has said GOAWAY meanwhile
            return b""
        return self._connection.data_to_send()

    def _is_other(self, data: bytes) -> bool:
        """Say whether the first frame is none of settings, with which a server begins (RFC 9113, section 3.4)."""
        self._first += data[: _HEADER_BYTES - len(self._first)]
        return len(self._first) > _KIND_AT and self._first[_KIND_AT] != _SETTINGS

    def _event(self, event: Event) -> None:
        match event:
            case RemoteSettingsChanged(changed_settings=changed):
                self.stands = True
                said = nonce_set({int(name): setting.new_value for name, setting in changed.items()})
                self.witness_nonce = said or self.witness_nonce
            case PingAckReceived(ping_data=data) if data == _MARK:
                self.answered = True
            case ConnectionTerminated(error_code=code, additional_data=more):
                name = code.name if isinstance(code, ErrorCodes) else str(code)
                words = f" ({more.decode('ascii', 'backslashreplace')[:60]})" if more else ""
                self.disconnect_notice = f"GOAWAY {name}{words}"


make = Http2Talk
