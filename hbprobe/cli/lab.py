"""`hbprobe lab`: server, boxes and probe in one process, hours of path time in a moment."""

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.records.result import Result

_WORKED_EXAMPLE = "ten-minute-provider"
_STORY_COLUMNS = 79


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "lab",
        help="simulate a path, probe it, say whether Exchange will log event 1040",
        description="Put a server, boxes and the probe together in one process, search for the longest request that "
        "survives, and say what Exchange and its devices make of it. On the warp clock hours take a moment.",
    )
    parser.add_argument(
        "profiles",
        nargs="*",
        metavar="PROFILE",
        help="the boxes, in order from the client: an id ('hbprobe profiles list') or a file; or one path file "
        f"(default: {_WORKED_EXAMPLE}, the worked example of the Direct Push literature)",
    )
    arguments.add_search(parser)
    arguments.add_webconfig(parser)
    arguments.add_journal(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TIMER=TIME",
        help="change a timer of the first box, as in idle=300",
    )
    parser.add_argument(
        "--clock",
        metavar="CLOCK",
        help="warp, real, or N seconds of the path in one (default: warp; with --kernel real)",
    )
    group = parser.add_argument_group("the kernel's own connection tracking (Linux)")
    group.add_argument(
        "--kernel",
        action="store_true",
        help="build the path out of network namespaces, each box of layer packet as nftables and conntrack; it runs "
        "in real time, and --clock N divides all timers by N",
    )
    group.add_argument(
        "--nat",
        metavar="BOXES",
        help="with --kernel: the boxes that translate addresses, by place, as in 1,3; or none (default: those of "
        "category nat, home-gateway and carrier)",
    )
    group.add_argument(
        "--pcap",
        type=Path,
        metavar="DIR",
        help="with --kernel: leave a packet capture of each side of each box there",
    )
    arguments.add_seed(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="leave result.json, journal.jsonl and plots there")
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe.lab.requests import Lab
    from hbprobe.measure.observe import Observer
    from hbprobe.profiles.running import parse_settings
    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.report.terminal.show import show

    more: dict[str, object] = {"set": parse_settings(args.set)}
    if args.out is not None and not (args.journal or args.resume):
        more["journal"] = args.out / "journal.jsonl"
    request = arguments.request(Lab, args, **more)
    story = request.path().story
    if args.out is not None and "journal" in more:
        _fresh(args.out)
    if story and not args.json:
        print(textwrap.fill(story, _STORY_COLUMNS), end="\n\n", flush=True)
    with LiveLine(Console(stderr=True)) as line:

        def shown(result: "Result") -> int:
            line.stop()
            if args.out is not None:
                _leave(result, args.out)
            return show(result, as_json=args.json)

        return arguments.carry_out(request, line if args.kernel else Observer(), shown, line.says)


def _fresh(folder: Path) -> Path:
    """Return where the journal goes: a lab's is made anew each time, for nothing in it took time to find."""
    journal = folder / "journal.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        journal.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {error.strerror}") from None
    return journal


def _leave(result: "Result", folder: Path) -> None:
    from hbprobe.report.plots.curve_plot import curve_plot
    from hbprobe.report.plots.search_plot import search_plot
    from hbprobe.report.plots.style import save

    try:
        (folder / "result.json").write_text(result.to_json(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {error.strerror}") from None
    for suffix in ("png", "svg"):
        save(search_plot(result), folder / f"search.{suffix}")
        save(curve_plot([result], []), folder / f"curve.{suffix}")
