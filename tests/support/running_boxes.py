"""A running box that is only told of: what a control API and its page show, and what they ask of it."""

from hbprobe.middlebox.events import FlowCounts
from hbprobe.middlebox.faults.toxic_box import ToxicBox, connection_document
from hbprobe.middlebox.running_box import FlowState
from hbprobe.profiles.catalogue import Catalogue


class ToldBox(ToxicBox):
    """Has so many sessions, and notes what it is asked to do."""

    def __init__(self, flows=2, note=lambda *_: None):
        super().__init__("seed", note, {"box": 0})
        self.profile = Catalogue().find("cisco-asa")
        self.counts = FlowCounts(opened=flows + 3, closed=3)
        self._flows = {
            number: FlowState(number, f"198.51.100.7:{number}", "established", 30.0 + number, 20.0, 600.0 + number)
            for number in range(1, flows + 1)
        }
        self.asked = []

    def __len__(self):
        return len(self._flows)

    def flows(self):
        return list(self._flows.values())

    def connections(self):
        names = {number: [toxic.name for toxic in self.toxics.hit(number)] for number in self._flows}
        return [connection_document(flow, names[flow.number], (0, 0)) for flow in self.flows()]

    def _treat_flows(self):
        self.asked.append(("toxics", tuple(self.toxics.names)))

    def change(self, profile):
        self.asked.append(("change", profile.layer))
        self.profile = profile

    def expire(self, number):
        self.asked.append(("expire", number))
        gone = self._flows.pop(number, None)
        if gone is not None:
            self._note(
                "ended", {"connection": number, "client": gone.client, "how": "silent", "timer": "idle"}, self._of
            )
        return gone is not None

    def expire_all(self):
        return sum(self.expire(number) for number in tuple(self._flows))

    def drain(self):
        self.asked.append(("drain",))
