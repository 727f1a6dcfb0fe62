"""Lines and logs of IIS for tests, with values that are invented."""

from pathlib import Path

FIELDS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
STEM = "/Microsoft-Server-ActiveSync/default.eas"
PLAIN = {
    "date": "2030-01-02",
    "time": "08:10:00",
    "s-ip": "192.0.2.10",
    "cs-method": "POST",
    "cs-uri-stem": STEM,
    "cs-uri-query": "User=alice&DeviceId=SYNTH01&DeviceType=iPhone&Cmd=Ping",
    "s-port": "443",
    "cs-username": "EXAMPLE\\alice",
    "c-ip": "198.51.100.7",
    "cs(User-Agent)": "Apple-iPhone0C0/0000.1",
    "cs(Referer)": "-",
    "sc-status": "200",
    "sc-substatus": "0",
    "sc-win32-status": "0",
    "time-taken": "600013",
}


def head(fields=FIELDS, date="2030-01-02 00:00:01", software="Microsoft Internet Information Services 10.0"):
    return f"#Software: {software}\n#Version: 1.0\n#Date: {date}\n#Fields: {fields}\n"


def line(fields=FIELDS, **values):
    """Return a line; keyword arguments are names of fields with `_` for `-`."""
    said = {name.replace("_", "-"): str(value) for name, value in values.items()}
    named = {**PLAIN, "cs-host": "-", "X-Forwarded-For": "-", "s-computername": "EX1", "s-sitename": "W3SVC1", **said}
    return " ".join(named.get(name, "-") for name in fields.split()) + "\n"


def ping(user="alice", device="SYNTH01", blob="V141_Hb600_Rto1_S1_", **values):
    log = f"&Log={blob}" if blob is not None else ""
    return line(cs_uri_query=f"User={user}&DeviceId={device}&DeviceType=iPhone&Cmd=Ping{log}", **values)


def write(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file
