"""`hbprobe logs`: what has already happened, read from IIS, HTTPERR and Windows event logs."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from hbprobe.cli.fleet_output import status
from hbprobe.cli.options import File, Folder, Json, WebConfig, exchange_settings, reads
from hbprobe.cli.output import say, show
from hbprobe.cli.request_options import option_of
from hbprobe.errors import CannotMeasureError, RequestError, UserError
from hbprobe.files import write_whole
from hbprobe.text import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hbprobe.evidence.logs.questions.reports import ReportTable
    from hbprobe.evidence.logs.request import Logs, OpenLogs
    from hbprobe.records.logs import LogEvidence

_LOOKING, _ASKING, _KEEPING = (
    Group(name, sort_key=place)
    for place, name in enumerate(("What to look at", "What to answer", "What to keep"), start=1)
)


def _bits(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 8 <= int(text) <= 32):
        raise ValueError(f"{text!r} is no number of bits: give 8 to 32")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2030-01-02 or 2030-01-02T08:00") from None


_TIME = reads(_moment, "TIME")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What of the logs is asked, and what is left of it."""

    by: Annotated[
        Literal["network", "device", "kind", "server"],
        Parameter(
            group=_LOOKING,
            help="tell limits of networks, devices, kinds of devices or servers (default: network)",
        ),
    ] = "network"
    networks: Annotated[File, Parameter(group=_LOOKING, help="CSV of prefix and name: carriers and sites")] = None
    net4: Annotated[
        int,
        reads(_bits, "BITS"),
        Parameter(group=_LOOKING, help="how many bits of an IPv4 address are its network (default: 24)"),
    ] = 24
    since: Annotated[
        datetime | None, _TIME, Parameter(group=_LOOKING, help="2030-01-02 or 2030-01-02T08:00, in UTC")
    ] = None
    until: Annotated[
        datetime | None,
        _TIME,
        Parameter(group=_LOOKING, help="as --since; what ended then or later is left out"),
    ] = None
    who: Annotated[
        str | None, Parameter(group=_LOOKING, metavar="NAME", help="reports tell of this user or device only")
    ] = None
    containing: Annotated[
        str | None,
        Parameter(
            group=_LOOKING,
            metavar="TEXT",
            help="reports tell of what contains this: a device type, an agent, an error",
        ),
    ] = None
    webconfig: WebConfig = None
    report: Annotated[
        str | None,
        Parameter(group=_ASKING, metavar="NAME", help="one question instead of the whole; 'list' names them"),
    ] = None
    sql: Annotated[
        File, Parameter(group=_ASKING, help="a question of your own, over requests, silences and httperr")
    ] = None
    csv: Annotated[File, Parameter(group=_ASKING, help="write the answer of --report or --sql as CSV")] = None
    plot: Annotated[
        File, Parameter(group=_ASKING, help="draw the limits, or the answer of --report (.png or .svg)")
    ] = None
    export: Annotated[
        Folder, Parameter(group=_ASKING, help="write the six files of Export-ActiveSyncLog, and Heartbeats.csv")
    ] = None
    mix: Annotated[File, Parameter(group=_ASKING, help="write a mix of this company for fleet and size")] = None
    engine: Annotated[
        Literal["duckdb", "spark"],
        Parameter(
            group=_ASKING, help="what runs the SQL over what was read: duckdb, or spark, an extra (default: duckdb)"
        ),
    ] = "duckdb"
    spark_remote: Annotated[
        str | None,
        Parameter(
            group=_ASKING,
            metavar="URL",
            help="with --engine spark: sc://HOST, spark://HOST:PORT, or a master such as local-cluster[2,1,1024] "
            "(default: this machine)",
        ),
    ] = None
    into: Annotated[
        Folder, Parameter(group=_KEEPING, help="keep what was read as Parquet; later runs read only what is new")
    ] = None
    pseudonyms: Annotated[
        Path | None,
        Parameter(
            group=_KEEPING,
            metavar="KEYFILE",
            help="users, devices and addresses become hashes with this secret",
        ),
    ] = None
    json: Json = False


_DEFAULTS = Options()
_PATH = Parameter(name="PATH", help="files, folders, wildcards, .gz, .zip, or what --into wrote")


def logs(*paths: Annotated[str, _PATH], options: Options = _DEFAULTS) -> int:
    """Read logs, and show what they tell; return 1 where something needs a mend, 3 where nothing could be read."""
    if options.report == "list":
        _list()
        return 0
    _check(options)
    is_all_asked = any((options.report, options.sql, options.export, options.mix))
    try:
        request = _request(paths, options)
    except RequestError as error:
        raise UserError(f"{error.told(option_of)}; see hbprobe logs --help") from None
    with ExitStack() as stack:
        with status("reading") as say_what:
            opened = stack.enter_context(request.opened(say_what, is_all_asked=is_all_asked))
            if opened.nothing_read is not None and (is_all_asked or options.plot is not None):
                raise CannotMeasureError(opened.nothing_read)
            say_what("judging")
            evidence = None if options.report or options.sql else opened.evidence()
            table = _table(opened, options)
            files, assumed = _files(options, opened, evidence, table)
        ended = _show(options, evidence, table)
        if table is not None:
            for caveat in opened.caveats:
                say(caveat)
        return max(ended, _write(options, opened, files, assumed))


def _check(options: Options) -> None:
    """Refuse what cannot be answered before anything is read, which may take long. Raises UserError."""
    is_narrowed = options.who is not None or options.containing is not None
    if options.report is not None and options.sql is not None:
        raise UserError("--report and --sql do not go together: drop one")
    if options.csv is not None and options.report is None and options.sql is None:
        raise UserError("--csv needs --report NAME or --sql FILE, whose answer it writes")
    if options.spark_remote is not None and options.engine != "spark":
        raise UserError("--spark-remote needs --engine spark")
    if options.mix is not None and (options.by != "network" or is_narrowed):
        raise UserError("--mix is of all devices, by network: drop --by, --who and --containing")
    if is_narrowed and options.report is None and options.sql is None and options.export is None:
        raise UserError(
            "--who and --containing narrow --report, --sql and --export, and none of these is asked for: "
            "add one, such as --report requests"
        )
    if options.report is not None:
        from hbprobe.evidence.logs.questions.reports import report_called

        report = report_called(options.report)
        if options.plot is not None and report.label is None:
            raise UserError(
                f"--plot: the report {report.name} has no chart: leave --plot out, or ask for user-agents"
            )
    if options.sql is not None:
        from hbprobe.evidence.logs.request import question_in

        question_in(options.sql)
        if options.plot is not None:
            raise UserError("--plot draws the limits or a --report, not the answer of --sql: drop one")
    if options.plot is not None:
        from hbprobe.report.plots.style import format_of

        format_of(options.plot)


def _request(paths: tuple[str, ...], options: Options) -> "Logs":
    from hbprobe.evidence.logs.lines.log_sources import is_store
    from hbprobe.evidence.logs.request import By, Engine, Logs

    kept = [options.into] if options.into is not None and is_store(options.into) else []
    return Logs(
        paths=paths or kept,
        by=By(options.by),
        networks=options.networks,
        v4_prefix=options.net4,
        since=options.since,
        until=options.until,
        settings=exchange_settings(options.webconfig),
        who=options.who,
        containing=options.containing,
        into=options.into,
        pseudonyms=options.pseudonyms,
        engine=Engine(options.engine),
        spark_remote=options.spark_remote,
    )


def _table(opened: "OpenLogs", options: Options) -> "ReportTable | None":
    if options.report is not None:
        return opened.report(options.report)
    return None if options.sql is None else opened.query(options.sql)


_Files = dict[str, tuple[Path, str | bytes]]
"""What is to be written, by the option that asks for it."""


def _files(
    options: Options, opened: "OpenLogs", evidence: "LogEvidence | None", table: "ReportTable | None"
) -> tuple[_Files, tuple[str, ...]]:
    """Return the files that were asked for, and what the mix among them takes for given."""
    files, assumed = _Files(), tuple[str, ...]()
    if options.mix is not None:
        from hbprobe.evidence.logs.company.mixture import mix_of

        found = mix_of(opened.tables, (evidence or opened.evidence()).limits)
        files["--mix"] = options.mix, found.text
        assumed = found.assumed
    if options.csv is not None and table is not None:
        files["--csv"] = options.csv, f"\ufeff{table.to_csv()}"  # by which a spreadsheet knows UTF-8
    if options.plot is not None:
        from hbprobe.report.plots.style import drawn

        files["--plot"] = options.plot, drawn(_picture(evidence, table), options.plot)
    return files, assumed


def _write(options: Options, opened: "OpenLogs", files: _Files, assumed: tuple[str, ...]) -> int:
    """Write files, after what was found is shown; tell of each, and return the exit status."""
    written, ended = list[Path](), 0
    if options.export is not None:
        from hbprobe.evidence.logs.questions.export import export

        try:
            written += export(opened.tables, options.export)
        except (UserError, CannotMeasureError) as error:
            say(str(error))
            ended = error.exit_status
    for option, (path, content) in files.items():
        try:
            write_whole(path, content)
        except (UserError, CannotMeasureError) as error:
            say(f"{option} {error}: name another file")
            ended = max(ended, error.exit_status)
        else:
            written.append(path)
    if not options.json:
        for path in written:
            print(f"wrote {path}")
        for one in assumed if options.mix in written else ():
            print(f"assumed in {options.mix}: {shown(one)}")
    return ended


def _picture(evidence: "LogEvidence | None", table: "ReportTable | None") -> "Figure":
    from hbprobe.report.plots.logs_plot import limits_plot, table_plot

    if table is not None:
        return table_plot(table)
    assert evidence is not None
    return limits_plot(evidence)


def _show(options: Options, evidence: "LogEvidence | None", table: "ReportTable | None") -> int:
    from hbprobe.report.terminal.logs import print_logs, print_table

    if table is not None:
        return show(table.to_json, lambda console: print_table(table, console), 0, as_json=options.json)
    assert evidence is not None
    ended = evidence.exit_status
    return show(evidence.to_json, lambda console: print_logs(evidence, console), ended, as_json=options.json)


def _list() -> None:
    from hbprobe.evidence.logs.questions.reports import reports

    known = reports()
    width = max(map(len, known))
    for name, report in known.items():
        print(f"{name:<{width}}  {report.title}")
