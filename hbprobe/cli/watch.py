"""`hbprobe watch`: the same paths again and again, for weeks."""

from dataclasses import dataclass

from cyclopts import Parameter

from hbprobe.cli.requests import from_request
from hbprobe.measure.observe import Observer
from hbprobe.watch.request import Watch


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A watch has no options: its file says everything."""


class _Printing(Observer):
    """Prints what a watch says, a line each."""

    def says(self, text: str) -> None:
        from hbprobe.text import shown

        print(shown(text), flush=True)


@from_request(Watch)
def watch(request: Watch, own: Nothing) -> int:  # noqa: ARG001  there are none
    """Measure until told to stop."""
    from hbprobe import warp
    from hbprobe.cli.serve import until_told_to_stop

    warp.run(_until_stopped(request, until_told_to_stop), warp.ScaledClock())
    return 0
