"""For other people's tests: boxes of the catalogue before their servers, and a clock that jumps over waiting.

`plugin` is what pytest loads; it gives a test its `loop`, and `box` a box on it, or in a thread; `survival_table`
runs one application behind many boxes. docs/testing.md shows all of it.

    plugin.py         the pytest plugin: the marks `warp` and `hbprobe_profiles`, the fixtures `hbprobe_box` and
                      `hbprobe_toxiproxy`
    loop.py           the warp loop for other people's tests, which cannot hang
    monotonic.py      `time.monotonic` for code that runs on a loop with a clock of its own
    on_loop.py        what runs on a loop during a test: the test's own, or one in a thread, in real time
    box.py            one box of the catalogue before a server of a test's own, and which boxes the words of a mark or
                      a call stand for
    fault_proxy.py    the fault proxy in a test's own process
    in_flight.py      whether peers on this machine still wait to send again what a box did not hear
    survival_table.py which applications survive a silence behind which boxes
    event_words.py    what boxes did during a test, in words
"""

TYPE_CHECKING = False  # as type checkers read it; pytest imports this for everyone who has hbprobe installed

if TYPE_CHECKING:
    from hbprobe.testing.box import Box as Box
    from hbprobe.testing.fault_proxy import FaultProxy as FaultProxy
    from hbprobe.testing.loop import StuckError as StuckError
    from hbprobe.testing.loop import WarpLoop as WarpLoop
    from hbprobe.testing.loop import new_loop as new_loop
    from hbprobe.testing.loop import outside as outside
    from hbprobe.testing.loop import run as run
    from hbprobe.testing.survival_table import App as App
    from hbprobe.testing.survival_table import Fate as Fate
    from hbprobe.testing.survival_table import MakeBox as MakeBox
    from hbprobe.testing.survival_table import Survival as Survival
    from hbprobe.testing.survival_table import Survivals as Survivals
    from hbprobe.testing.survival_table import survives as survives

_HOME = {
    "App": "survival_table",
    "Box": "box",
    "Fate": "survival_table",
    "FaultProxy": "fault_proxy",
    "MakeBox": "survival_table",
    "StuckError": "loop",
    "Survival": "survival_table",
    "Survivals": "survival_table",
    "WarpLoop": "loop",
    "new_loop": "loop",
    "outside": "loop",
    "run": "loop",
    "survives": "survival_table",
}
"""Where each public name lives. It is imported when it is first asked for."""

__all__ = [
    "App",
    "Box",
    "Fate",
    "FaultProxy",
    "MakeBox",
    "StuckError",
    "Survival",
    "Survivals",
    "WarpLoop",
    "new_loop",
    "outside",
    "run",
    "survives",
]

if not TYPE_CHECKING:  # or every name that is misspelt would be one to a type checker

    def __getattr__(name: str) -> object:
        """Import a public name from its home (PEP 562)."""
        from importlib import import_module

        if name not in _HOME:
            raise AttributeError(f"module 'hbprobe.testing' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"hbprobe.testing.{_HOME[name]}"), name)
        return value


def __dir__() -> list[str]:
    """List the public names, whether they have been imported or not."""
    return sorted({*globals(), *__all__})
