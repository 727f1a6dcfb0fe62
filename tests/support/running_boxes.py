"""A running box that is only told of: what a control API and its page show, and what they ask of it."""

from hbprobe.middlebox.events import FlowCounts
from hbprobe.middlebox.running_box import FlowState
from hbprobe.profiles.catalogue import Catalogue


class ToldBox:
    """Has so many sessions, and notes what it is asked to do."""

    def __init__(self, flows=2):
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

    def change(self, profile):
        self.asked.append(("change", profile.layer))
        self.profile = profile

    def expire(self, number):
        self.asked.append(("expire", number))
        return self._flows.pop(number, None) is not None

    def drain(self):
        self.asked.append(("drain",))
