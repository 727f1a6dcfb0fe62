"""A relay with stages that ends its client's TLS, or begins its server's, or both: faults apply to what is inside.

A flow of which an end speaks TLS goes through pipes in both directions, with stages or without. The sockets stay
plain ones, so that FIN, RST and silence are what they are on any flow. What one end has cut short (FIN without
close_notify) is cut short for the other, too.
"""

import contextlib
import socket
import ssl

from hbprobe.middlebox.faults.flow_tls import NO_TLS, FlowTls
from hbprobe.middlebox.faults.staged_relay import FlowPipe, StagedLink, StagedRelay
from hbprobe.middlebox.flow import CLIENT, SERVER, SIDES, Side
from hbprobe.middlebox.graceful_close import GracefulClose
from hbprobe.middlebox.stages.stage import StreamEnd
from hbprobe.net.address import PeerAddress, name_of
from hbprobe.net.liveness import acknowledge_now
from hbprobe.net.silence import close_with_reset
from hbprobe.net.tls_codec import words_of

_READ_BYTES = 64 * 1024


class TlsRelay(StagedRelay):
    """One box between its clients and one server, which sees inside TLS."""

    tls = NO_TLS
    """What flows speak that are opened from now on."""

    def _make_link(self, client: socket.socket, address: PeerAddress) -> StagedLink:
        link = super()._make_link(client, address)
        if self.tls is not NO_TLS:
            link.tls = FlowTls(self.tls)
            first, second = link.pipes
            link.pipes = (first or FlowPipe(link, CLIENT), second or FlowPipe(link, SERVER))
        return link

    # Handshakes, while the flow is being opened

    def _reached(self, link: StagedLink) -> None:
        if link.tls is None:
            super()._reached(link)
            return
        for side in SIDES:
            if link.tls.codecs[side] is not None:
                self._watch.add_reader(link.socks[side].fileno(), (self._shake, (link, side)))
        if (server := link.tls.codecs[SERVER]) is not None:
            server.receive()  # it begins
            self._send_own(link, SERVER)

    def _shake(self, link: StagedLink, side: int) -> None:
        assert link.tls is not None
        codec = link.tls.codecs[side]
        assert codec is not None
        if (data := self._received(link, side)) is None:
            return
        if not data:
            self._fail(link, side, "it has ended the connection")
            return
        try:
            link.tls.early[side] += codec.receive(data)
        except ssl.SSLError as error:
            self._send_own(link, side)  # the alert that says why
            self._fail(link, side, words_of(error))
            return
        self._send_own(link, side)
        if link not in self._links:
            return
        acknowledge_now(link.socks[side])
        if codec.stands:
            self._watch.remove_reader(link.socks[side].fileno())
            if link.tls.stands:
                self._begin(link, link.tls)

    def _begin(self, link: StagedLink, tls: FlowTls) -> None:
        for side in SIDES:
            if tls.early[side]:
                self._came(link, side, tls.early[side])
                tls.early[side] = b""
        super()._reached(link)
        for side in SIDES:
            codec, pipe = tls.codecs[side], link.pipes[side]
            if link in self._links and codec is not None and codec.has_ended and pipe is not None:
                self._end_came(link, side)
                self._pump(pipe)

    def _fail(self, link: StagedLink, side: int, reason: str) -> None:
        """Turn a client away: one end has been told why, in TLS's own way, and the other sees RST."""
        link.how = ("refused", "", "")
        self._forget(link)
        self._unwatch(link.socks[side])
        GracefulClose(link.socks[side], b"", self._closing, notify=False, linger=True)
        self._watch.forget(link.socks[1 - side].fileno())
        close_with_reset(link.socks[1 - side])
        self._refused(name_of(link.address), f"TLS with the {Side(side).name.lower()}: {reason}")

    # Inside

    def _heard(self, link: StagedLink, side: int, data: bytes) -> None:
        codec = None if link.tls is None else link.tls.codecs[side]
        if codec is None:
            super()._heard(link, side, data)
            return
        try:
            said = codec.receive(data)
        except ssl.SSLError:  # what came is not what was sent
            self._send_own(link, side)
            self._broke(link, side)
            return
        self._send_own(link, side)
        if said:
            self._came(link, side, said)
        elif link in self._links:
            acknowledge_now(link.socks[side])  # nothing that goes back would carry the ACK
        if codec.has_ended and link in self._links:
            self._end_came(link, side)

    def _end_came(self, link: StagedLink, side: int) -> None:
        codec = None if link.tls is None else link.tls.codecs[side]
        if link.tls is not None and codec is not None and not codec.has_ended:
            link.tls.cut_short |= 1 << side
        super()._end_came(link, side)

    def _send(self, pipe: FlowPipe, data: bytes) -> None:
        codec = None if pipe.link.tls is None else pipe.link.tls.codecs[1 - pipe.side]
        if codec is not None:
            codec.say(data)
            data = codec.to_send()
        super()._send(pipe, data)

    def _pass_staged_fin(self, link: StagedLink, side: int) -> None:
        if (tls := link.tls) is None:
            super()._pass_staged_fin(link, side)
            return
        to = 1 - side
        codec = tls.codecs[to]
        if codec is not None and not (tls.cut_short & 1 << side or tls.told_end & 1 << to):
            tls.told_end |= 1 << to
            codec.say_end()
            self._send_own(link, to)
            if link not in self._links:
                return
            pipe = link.pipes[side]
            if pipe is not None and pipe.blocked:  # FIN comes behind it
                pipe.put_back(StreamEnd.FIN)
                return
        super()._pass_staged_fin(link, side)

    def _send_own(self, link: StagedLink, side: int) -> None:
        """Send what TLS itself has to say to an end, behind what is being sent to it."""
        assert link.tls is not None
        codec, pipe = link.tls.codecs[side], link.pipes[1 - side]
        assert codec is not None
        assert pipe is not None
        if not (data := codec.to_send()):
            return
        if link.unsent[side]:
            self._set_unsent(link, side, memoryview(bytes(link.unsent[side]) + data))
        else:
            super()._send(pipe, data)

    def _pass_last_words(self, link: StagedLink, side: int) -> None:
        if link.tls is None:
            super()._pass_last_words(link, side)
            return
        near, far = link.tls.codecs[side], link.tls.codecs[1 - side]
        words: bytes | memoryview = link.unsent[1 - side]
        with contextlib.suppress(ssl.SSLError):
            while link.socks[1 - side].send(words) == len(words):
                if not (wire := link.socks[side].recv(_READ_BYTES)):
                    return
                self._stats.received(side, len(wire))
                words = wire if near is None else near.receive(wire)
                if far is not None and words:
                    far.say(words)
                    words = far.to_send()
