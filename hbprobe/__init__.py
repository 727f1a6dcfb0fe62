"""Find, explain and reproduce the timers that kill long-lived HTTPS requests on a network path.

    import hbprobe

    result = hbprobe.Probe("https://probe.example.net:8443/", ca="ca.pem", connections=8).run()
    print(result.limit.survived_s, result.limit.cut_s, result.limit.manner)

Each verb of the command line is a request here: `Probe`, `Diagnose`, `Locate`, `Preflight`, `Verdict`, `Lab`,
`Fleet`, `FleetShare`, `Size`, `Watch`, `Capture`. A request checks itself when it is made. `run()` carries it out in
a script, `await measure()` in a program that has a loop; both return a record. docs/python.md has examples of all.

Each package here is a room of the code, and opens with a map of itself; imports run downwards only. The map of all
rooms, with one byte and one trial followed through them, is docs/architecture.md.
"""

TYPE_CHECKING = False  # as type checkers read it; importing typing takes longer than all the rest

if TYPE_CHECKING:
    from hbprobe.duration import parse_duration_s as parse_duration_s
    from hbprobe.errors import CannotMeasureError as CannotMeasureError
    from hbprobe.errors import RequestError as RequestError
    from hbprobe.errors import UserError as UserError
    from hbprobe.evidence.captures.capture import Capture as Capture
    from hbprobe.evidence.logs.request import Logs as Logs
    from hbprobe.evidence.verdict import Verdict as Verdict
    from hbprobe.fleet.requests import Fleet as Fleet
    from hbprobe.fleet.requests import FleetShare as FleetShare
    from hbprobe.fleet.requests import Size as Size
    from hbprobe.lab.requests import Diagnose as Diagnose
    from hbprobe.lab.requests import Lab as Lab
    from hbprobe.measure.locate import Locate as Locate
    from hbprobe.measure.observe import Observer as Observer
    from hbprobe.measure.preflight import Preflight as Preflight
    from hbprobe.measure.probe import Probe as Probe
    from hbprobe.profiles.catalogue import catalogue as catalogue
    from hbprobe.records.result import load_result as load_result
    from hbprobe.watch.request import Watch as Watch

__version__ = "0.1.0"

_HOME = {
    "CannotMeasureError": "errors",
    "Capture": "evidence.captures.capture",
    "Diagnose": "lab.requests",
    "Fleet": "fleet.requests",
    "FleetShare": "fleet.requests",
    "Lab": "lab.requests",
    "Logs": "evidence.logs.request",
    "Locate": "measure.locate",
    "Observer": "measure.observe",
    "Preflight": "measure.preflight",
    "Probe": "measure.probe",
    "RequestError": "errors",
    "Size": "fleet.requests",
    "UserError": "errors",
    "Verdict": "evidence.verdict",
    "Watch": "watch.request",
    "catalogue": "profiles.catalogue",
    "load_result": "records.result",
    "parse_duration_s": "duration",
}
"""Where each public name lives. It is imported when it is first asked for, so that `import hbprobe` costs nothing."""

__all__ = [
    "CannotMeasureError",
    "Capture",
    "Diagnose",
    "Fleet",
    "FleetShare",
    "Lab",
    "Locate",
    "Logs",
    "Observer",
    "Preflight",
    "Probe",
    "RequestError",
    "Size",
    "UserError",
    "Verdict",
    "Watch",
    "__version__",
    "catalogue",
    "load_result",
    "parse_duration_s",
]


if not TYPE_CHECKING:  # or every name that is misspelt would be one to a type checker

    def __getattr__(name: str) -> object:
        """Import a public name from its home (PEP 562)."""
        from importlib import import_module

        if name not in _HOME:
            raise AttributeError(f"module 'hbprobe' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"hbprobe.{_HOME[name]}"), name)
        return value


def __dir__() -> list[str]:
    """List the public names, whether they have been imported or not."""
    return sorted({*globals(), *__all__})
