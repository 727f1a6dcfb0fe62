"""A stream of server-sent events (WHATWG HTML, section 9.2): it is opened, and listened to.

Nothing can be asked on it. Where the URL has `{hold}` in its path or query, that becomes the hold in seconds, and the
server is taken to speak then: `hbprobe serve` does, at `/events?silence={hold}`. Otherwise one more packet after the
hold shows whether somebody acknowledges it.
"""

import h11

from hbprobe import __version__
from hbprobe.farend.hold_request import nonce_announced
from hbprobe.trial.talks.talk import Talk, Where, refusal

_HOLD = "%7Bhold%7D"
"""`{hold}` as it stands in a URL that has been read."""


class EventsTalk(Talk):
    """A stream that is listened to."""

    asks = repeats = False
    end_to_end = False
    otherwise = "let the server speak after the hold ({hold} in the URL)"

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self._http = h11.Connection(h11.CLIENT)
        self.due = _HOLD in where.path

    def begin(self) -> bytes:
        """Ask for the stream."""
        ours = {
            "Host": self.where.authority,
            "User-Agent": f"hbprobe/{__version__}",
            "Accept": "text/event-stream",
            "Cache-Control": "no-cache",
        }
        theirs = {name.lower() for name, _ in self.where.options.headers}
        kept = [(name, value) for name, value in ours.items() if name.lower() not in theirs]
        said = [(name.encode(), value.encode("latin-1")) for name, value in (*kept, *self.where.options.headers)]
        target = self.where.path.replace(_HOLD, f"{self.where.hold_s:g}")
        request = self._http.send(h11.Request(method="GET", target=target, headers=said))
        return (request or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def take(self, data: bytes) -> bytes:
        """Take pieces of the stream."""
        if self.trouble or self.disconnect_notice:
            return b""
        try:
            self._http.receive_data(data)
            while (event := self._http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                self._event(event)
        except h11.RemoteProtocolError as error:
            self.trouble = f"the answer is not HTTP: {error}"
        return b""

    def _event(self, event: object) -> None:
        match event:
            case h11.Response(status_code=200, headers=headers):
                kind = next((value for name, value in headers if name == b"content-type"), b"")
                self.stands = kind.split(b";")[0].strip().lower() == b"text/event-stream"
                self.witness_nonce = nonce_announced(headers)
                if not self.stands:
                    said = kind.decode("ascii", "backslashreplace")[:60]
                    self.trouble = f"the answer is no event stream, but {said or 'has no type'}"
            case h11.Response(status_code=status, headers=headers):
                self.trouble = refusal(status, "an event stream", headers)
            case h11.Data():
                self.answered = self.due
            case h11.EndOfMessage():
                self.disconnect_notice = "the end of the stream, as HTTP has it"


make = EventsTalk
