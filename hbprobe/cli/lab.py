"""`hbprobe lab`: server, boxes and probe in one process, hours of path time in a moment."""

import argparse
import contextlib
import random
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments, kernel_lab
from hbprobe.errors import UserError
from hbprobe.files import without_link

if TYPE_CHECKING:
    from hbprobe.lab.pathfile import LabPath
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
    kernel_lab.add_kernel(parser)
    arguments.add_seed(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="leave result.json, journal.jsonl and plots there")
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from hbprobe.report.terminal.show import show

    kernel_lab.check(args)
    path = _path(args)
    if path.story and not args.json:
        print(textwrap.fill(path.story, _STORY_COLUMNS), end="\n\n", flush=True)
    result = _measure(args, path)
    if args.out is not None:
        _leave(result, args.out)
    return show(result, as_json=args.json)


def _measure(args: argparse.Namespace, path: "LabPath") -> "Result":
    from hbprobe import warp
    from hbprobe.lab.inprocess import measure
    from hbprobe.measure.conclude import conclude
    from hbprobe.measure.journal import Journal, header
    from hbprobe.profiles.running import draw_all
    from hbprobe.records.result import Verb

    started, began = time.perf_counter(), datetime.now(UTC)
    boxes, drawn = draw_all(path.boxes, random.Random(args.seed))
    search, fitted = kernel_lab.fit(args, arguments.search_settings(args, path.search))
    clock = arguments.clock(args)
    with contextlib.ExitStack() as stack:
        journal = None
        if args.out is not None:
            journal = stack.enter_context(Journal(_fresh(args.out), header("lab", args.method, search), resume=False))
        if args.kernel:
            findings = kernel_lab.measure(args, path, boxes, search, journal)
        else:
            measuring = measure(boxes, path.settings, search, args.method, journal, arguments.prior(args), args.seed)
            findings = warp.run(measuring, clock)
    return conclude(
        findings.run,
        path.settings,
        verb=Verb.LAB,
        target=path.name,
        clock=args.clock,
        wall_s=time.perf_counter() - started,
        began=None if args.clock == "warp" else began,
        path=tuple(box.id for box in path.boxes),
        cut_by=findings.cut_by,
        notes=(*path.remarks, *drawn, *fitted, *findings.remarks),
        devices=path.devices,
    )


def _path(args: argparse.Namespace) -> "LabPath":
    """Return the path that the arguments name: a path file, or profiles."""
    from hbprobe.exchange.devices import DEVICES
    from hbprobe.lab.pathfile import LabPath, find_path, load_path
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.running import parse_settings, with_overrides
    from hbprobe.search.search import SearchSettings

    catalogue = Catalogue()
    paths = [reference for reference in args.profiles if find_path(reference)]
    if paths and len(args.profiles) > 1:
        raise UserError(f"{paths[0]} is a whole path, which stands alone: name it only, or boxes only")
    file = find_path(paths[0]) if paths else None
    if file is not None:
        if args.set or args.webconfig:
            raise UserError(f"{file}: a path file says timers and web.config itself: drop --set and --webconfig")
        return load_path(file, catalogue)
    boxes = [catalogue.find(reference) for reference in args.profiles or [_WORKED_EXAMPLE]]
    boxes[0], remarks = with_overrides(boxes[0], parse_settings(args.set))
    settings = arguments.exchange_settings(args)
    return LabPath("lab", "", tuple(boxes), settings, DEVICES, SearchSettings(), remarks)


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
        without_link(folder / "result.json").write_text(result.to_json(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {error.strerror}") from None
    for suffix in ("png", "svg"):
        save(search_plot(result), without_link(folder / f"search.{suffix}"))
        save(curve_plot([result], []), without_link(folder / f"curve.{suffix}"))
