"""Which verbs there are, and what their help says: the overview, each verb's page and the manual are made of this."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VerbHelp:
    """One verb's words; each example is a command line that can be typed as it stands, and what it is for."""

    summary: str
    about: str
    examples: tuple[tuple[str, str], ...]


ABOUT = "Find, explain and reproduce the timers that kill long-lived HTTPS requests on a network path."

EXIT_STATUS = (
    "Exit status: 0 measured and healthy, or a simulation that did what it was asked; 1 measured on a real path, "
    "with a finding; 2 wrong usage; 3 could not measure."
)

VERBS = {
    "lab": VerbHelp(
        "simulate a path, probe it, say whether Exchange will log event 1040",
        "Put a server, boxes and the probe together in one process, search for the longest request that survives, "
        "and say what Exchange and its devices make of it. On the warp clock hours take a moment. The boxes are "
        "named in order from the client: by id ('hbprobe profiles list'), or by file; or one path file stands for "
        "the whole path. Without any it is ten-minute-provider, the worked example of the Direct Push literature.",
        (
            ("hbprobe lab", "a provider that cuts after ten minutes, and what Exchange makes of it"),
            ("hbprobe lab cisco-asa --set idle=15min --exit-code", "a firewall with another timer, told to a script"),
        ),
    ),
    "preflight": VerbHelp(
        "check step by step that an ActiveSync server answers a device",
        "Go the way of a device, from the name to a short Ping, and say of each step what was seen and, where it "
        "fails, what to do. Takes about a minute and a half: Exchange holds no Ping for less than one.",
        (
            (r"hbprobe preflight https://mail.example.net/ --user EXAMPLE\anna", "ask for the password, then check"),
            (
                "hbprobe preflight https://mail.example.net/ --user anna@example.net --password-file secret --json",
                "the same from a script",
            ),
        ),
    ),
    "probe": VerbHelp(
        "search a real path for the longest request that survives",
        "Hold requests open on a real path, find the longest that survives and how longer ones die, and compare that "
        "with Exchange's heartbeat settings. It says before it starts how long it can take.",
        (
            (
                "hbprobe probe https://probe.example.net:8443/ --ca ca.pem --connections 8",
                "against hbprobe serve, eight trials at a time",
            ),
            (
                "hbprobe probe https://www.example.net/ --method idle --max 15min --journal path.jsonl",
                "against any web server; the journal lets it go on later",
            ),
        ),
    ),
    "diagnose": VerbHelp(
        "find the limit of a path, and explain it: which timer, whose, what kind of box, what would mend it",
        "Find the longest request that survives, then ask at the same time what saves longer ones and what both ends "
        "see of their death. It says before each step how long it takes.",
        (
            (
                "hbprobe diagnose https://probe.example.net:8443/ --ca ca.pem --connections 8",
                "a real path, with hbprobe serve at its far end",
            ),
            ("hbprobe diagnose --lab cisco-asa", "what it would say of a firewall of the catalogue"),
        ),
    ),
    "locate": VerbHelp(
        "find the hop that forgets idle connections",
        "Hold requests whose TCP keep-alives reach only so far, one for each hop, side by side. The first hop that "
        "must see keep-alives is the one that forgets. Needs Linux, but no privileges; takes about as long as the "
        "limit, after the search for it. Pings (ping) are held one after the other, by one device: that takes the "
        "limit for each hop.",
        (
            (
                "hbprobe locate https://probe.example.net:8443/ --ca ca.pem --limit 10min",
                "the limit is known: no search first",
            ),
            ("hbprobe locate https://www.example.net/ --method idle --hops 12", "against any web server"),
        ),
    ),
    "capture": VerbHelp(
        "read packet captures: who killed which connection, after which silence",
        "Read a packet capture, or two of one path (the client's side and the server's), and say which connections "
        "died of idleness, after how long, how, and who did it: an end, or a box in its name. With a pipe a table "
        "shows what is quiet now.",
        (
            (
                "hbprobe capture client.pcapng server.pcapng --annotate explained.pcapng",
                "both sides of a box, and a file for Wireshark",
            ),
            ("hbprobe capture ring --port 443 --plot connections.png", "a folder of captures, with a picture"),
        ),
    ),
    "logs": VerbHelp(
        "read logs of IIS, HTTPERR and Windows events: limits by network, event 1040, devices in trouble",
        "Read what has already happened, without sending a packet: IIS's W3C logs, HTTPERR, HttpProxy logs and "
        "Windows event logs, by the gigabyte. The answer comes first: limits by network, event 1040, who is blocked, "
        "throttled or in a loop.",
        (
            ("hbprobe logs W3SVC1 W3SVC2 events.evtx", "two servers, and the event log of one"),
            ("hbprobe logs W3SVC1 --report user-agents --plot agents.png", "one question, with a picture"),
        ),
    ),
    "serve": VerbHelp(
        "be the far end: hold requests open as long as the probe asks; stand in for Exchange ActiveSync",
        "Serve POST /hold?seconds=S, which is answered after S seconds with a token that the probe checks, and "
        "/Microsoft-Server-ActiveSync as Exchange does (docs/activesync.md). It listens on this machine only, unless "
        "--listen says otherwise.",
        (
            (
                "hbprobe serve --listen 0.0.0.0:8443 --name probe.example.net",
                "for every network, with a certificate of a private CA",
            ),
            ("hbprobe serve --tls off --event-log events", "on this machine, in the clear, with Exchange's events"),
        ),
    ),
    "proxy": VerbHelp(
        "be a box of the catalogue, for any TCP client and server",
        "Relay connections, and requests where a box is of layer http, and end them as the product does. It prints a "
        "line for each flow that it expires, and sums when it is stopped.",
        (
            ("hbprobe proxy cisco-asa --upstream 127.0.0.1:8443", "stand between a client and a server of yours"),
            (
                "hbprobe proxy linux-conntrack nginx-http-proxy --upstream 127.0.0.1:8080 --clock 20",
                "two boxes, whose timers run twenty times as fast",
            ),
        ),
    ),
    "toxiproxy": VerbHelp(
        "be a fault proxy that clients of Toxiproxy steer, with the timers of the catalogue",
        "Serve Toxiproxy's HTTP API (2.13) and all its toxics, and beside them idle_drop, max_age, half_open and a "
        "blackhole that heals: any client of Toxiproxy in any language has the boxes of the catalogue. It listens on "
        "this machine only, unless --host says otherwise. Toxiproxy's flags are taken with one dash, too.",
        (
            ("hbprobe toxiproxy", "on localhost:8474, where clients look for it"),
            (
                "hbprobe toxiproxy --host 0.0.0.0 --config proxies.json --seed 7",
                "for every network, with proxies and toxics made at the start",
            ),
        ),
    ),
    "verdict": VerbHelp(
        "say whether Exchange will log event 1040 on a path whose limit is known",
        "Compare a path's limit with Exchange's settings and with what known devices ask for.",
        (
            ("hbprobe verdict --limit 10min", "a path that cuts in silence after ten minutes"),
            ("hbprobe verdict --event event.txt", "what an event says that Exchange has logged"),
        ),
    ),
    "fleet": VerbHelp(
        "simulate many devices on many paths, and say when event 1040 fires",
        "Simulate thousands of devices for days, each with its algorithm, path, mail and moves between networks, and "
        "show what the server sees: event 1040, requests, TLS handshakes, connections.",
        (
            ("hbprobe fleet --devices 2000 --days 1", "the shipped office"),
            (
                "hbprobe fleet --sweep-share 5min --device ios --out results",
                "the share of devices behind five minutes that is enough for event 1040",
            ),
        ),
    ),
    "size": VerbHelp(
        "find the timer that a firewall should have, and what each would cost",
        "Simulate a fleet behind the firewall with one timer after another, and say from which one on event 1040 "
        "stays away and devices keep their push.",
        (
            ("hbprobe size --profile cisco-asa", "for this firewall, with the command that sets it"),
            ("hbprobe size --from 10min --to 40min --step 5min --devices 500", "fewer timers, fewer devices: sooner"),
        ),
    ),
    "profiles": VerbHelp(
        "list, show, check and draw what boxes do",
        "The catalogue of boxes: what products do to connections, each with its source. Files of your own go "
        "wherever an id goes.",
        (
            ("hbprobe profiles list --layer packet --below 30min", "which firewalls cut a heartbeat of half an hour"),
            ("hbprobe profiles show cisco-asa", "everything about one, with its sources"),
        ),
    ),
    "plot": VerbHelp(
        "draw results as a picture",
        "Draw the search of one result, the timeout curves of several results and profiles, or the heartbeats that "
        "each kind of device asks for on one path.",
        (
            ("hbprobe plot result.json --out search.svg", "every trial of one search, and the bracket"),
            (
                "hbprobe plot --profile cisco-asa aws-nat-gateway --out curves.png",
                "which share of holds survives, for two products",
            ),
        ),
    ),
    "report": VerbHelp(
        "write results as one file to mail: what was asked, found, and is to be done",
        "Write results as one file: HTML that needs no network to open, Markdown, JSON, or the trials as CSV. What "
        "looks like a password or a token is left out.",
        (
            ("hbprobe report result.json --out report.html", "for people"),
            ("hbprobe report monday.json tuesday.json --format csv", "for a spreadsheet, on standard output"),
            ("hbprobe report one.json other.json --compare --out sides.html", "two paths, providers or dates"),
        ),
    ),
    "watch": VerbHelp(
        "measure paths again and again, and say when a limit changed",
        "Measure the targets of a watch file at an interval, keep every trial in a database, and say when a limit "
        "changed. Ended in any way, it goes on where it was when it is started again.",
        (
            ("hbprobe watch office.yaml", "as docs/watch.md says to write it"),
            ("hbprobe watch /etc/hbprobe/watch.yaml", "as a service would"),
            ("hbprobe watch office.yaml --live", "all targets in a table that changes"),
        ),
    ),
    "history": VerbHelp(
        "list and draw what hbprobe watch has measured",
        "List the measurements of a watch and when limits changed, or draw the limits over time. The watch may go on "
        "meanwhile.",
        (
            ("hbprobe history office.yaml", "every measurement, and every change"),
            ("hbprobe history office.yaml --target branch --out limits.svg", "the limits of one target as a picture"),
        ),
    ),
    "schema": VerbHelp(
        "print the JSON Schema of a document that --json writes",
        "Print the JSON Schema (draft 2020-12) of one of hbprobe's documents, for programs that read them; without a "
        "name, list the documents. A newer hbprobe may add keys, and the schema lets them pass.",
        (
            ("hbprobe schema", "which documents there are"),
            ("hbprobe schema result", "what lab, probe and lab --out write"),
        ),
    ),
    "completion": VerbHelp(
        "print what lets a shell complete hbprobe's command line",
        "Print a script for bash, zsh or fish that completes verbs, options, choices and the ids of profiles.",
        (
            ('eval "$(hbprobe completion bash)"', "in ~/.bashrc"),
            ("hbprobe completion fish", "goes to ~/.config/fish/completions/hbprobe.fish"),
        ),
    ),
    "help": VerbHelp(
        "explain a verb",
        "Print the page of a verb, as 'hbprobe VERB --help' does; without a verb, the overview.",
        (("hbprobe help probe", "the page of probe"), ("hbprobe help profiles list", "the page of an action")),
    ),
}
