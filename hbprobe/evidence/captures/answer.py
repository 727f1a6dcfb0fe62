"""What a record of captures says in a few sentences: the answer first, for terminals, files and comments."""

from collections.abc import Iterator

from hbprobe.manner import Aftermath, Manner
from hbprobe.records.capture import CaptureRecord, CaptureTimerPart
from hbprobe.text import counted

_DOES = {Manner.SILENT: "forgets", Manner.RESET: "resets", Manner.CLOSED: "closes", Manner.STATUS: "answers"}


def answer(record: CaptureRecord) -> list[str]:
    """Return the sentences, the most important first."""
    return list(_answer(record))


def _answer(record: CaptureRecord) -> Iterator[str]:
    if not record.connections:
        yield "The capture holds no TCP connection, so there is nothing to report."
        return
    died = record.endings.get("idle-death", 0)
    ended = record.endings.get("ended-idle", 0)
    all_ = counted(record.connections, "connection")
    explained = 0
    for timer in record.timers:
        explained += timer.flows
        yield f"{timer.flows} of {all_} {timer_words(timer)}."
        if timer.products:
            yield "Products that ship with such a timer: " + ", ".join(one.name for one in timer.products[:4]) + "."
    if not record.timers:
        if died:
            yield f"{died} of {all_} died of idleness; too few of one kind and age to make a timer."
        elif ended:
            yield f"None of {all_} is known to have died of idleness; {ended} ended while idle."
        else:
            yield f"None of {all_} died of idleness."
    elif died + ended > explained:
        yield f"{died + ended - explained} more ended while idle, too few of one kind and age to make a timer."
    if late := record.endings.get("late-answer", 0):
        yield f"{counted(late, 'answer')} came after the client had hung up: the server was late, not the path."
    if open_ := record.endings.get("cannot-tell", 0):
        yield f"For {counted(open_, 'connection')} the capture cannot tell."


def timer_words(timer: CaptureTimerPart) -> str:
    """Say what a timer does, and when."""
    return f"{_how(timer)}: {_who(timer)} {_does(timer)} {_when(timer)}{_counts(timer)}"


def _how(timer: CaptureTimerPart) -> str:
    return "died of idleness" if timer.maker == "box" or timer.limit.manner is Manner.SILENT else "ended while idle"


def _who(timer: CaptureTimerPart) -> str:
    if timer.between_captures:
        return "a box between the two captures"
    if timer.maker == "unknown" and timer.limit.manner is not Manner.SILENT:
        return f"the {timer.in_name_of}, or a box in its name,"
    return {"box": "a box on the path", "server": "the server", "client": "the client"}.get(
        timer.maker, "something on the path"
    )


def _does(timer: CaptureTimerPart) -> str:
    limit = timer.limit
    if limit.aftermath is Aftermath.RESET:
        return "forgets them, and answers the next packet with RST,"
    if limit.aftermath is Aftermath.CLOSED:
        return "forgets them, and answers the next packet with FIN,"
    return f"{_DOES[limit.manner or Manner.SILENT]} them"


def _when(timer: CaptureTimerPart) -> str:
    what = "payload" if timer.counts == "data" else "packet"
    if timer.limit.exact:
        age = f"{timer.age:.1f} s after the last {what}"
        return f"{age} ({timer.earliest:.1f} to {timer.latest:.1f})"
    lived = timer.limit.survived_s
    above = f", and above {lived:.1f} s, which others came through" if lived else ""
    cut = timer.limit.cut_s if timer.limit.cut_s is not None else timer.earliest
    return f"at or before {cut:.1f} s after the last {what}{above}"


def _counts(timer: CaptureTimerPart) -> str:
    if timer.counts == "data":
        return "; it counts data only, keep-alives do not help"
    return "; it counts every packet, keep-alives help" if timer.counts == "packets" else ""
