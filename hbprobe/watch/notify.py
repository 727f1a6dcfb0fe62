"""Who is told that a limit changed: a program that gets JSON on standard input, or a URL to which it is posted."""

import asyncio
import contextlib
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hbprobe.text import cut_short
from hbprobe.watch.watchfile import Notify

_PATIENCE_S = 30.0
"""So long may one attempt take."""
_PAUSES_S = (5.0, 60.0)
"""Between the attempts."""
_CLOSING_S = 10.0
"""So long does the end of a watch wait for what is under way."""


class Notifier:
    """Tells of changes, beside the measurements, and says where that fails."""

    def __init__(self, whom: Notify, say: Callable[[str], None], pauses_s: Sequence[float] = _PAUSES_S) -> None:
        self.whom = whom
        self._say, self._pauses_s = say, pauses_s
        self._telling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait a while for what is under way."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=_CLOSING_S)
        for task in tuple(self._telling):
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    def tell(self, change: Mapping[str, Any]) -> None:
        """Tell whom it concerns, without waiting for them."""
        body = json.dumps(change).encode()
        if self.whom.command:
            self._start("command", partial(_run, self.whom.command, body))
        if self.whom.webhook:
            self._start("webhook", partial(_post, self.whom.webhook, body))

    def _start(self, name: str, attempt: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(self._in_the_end(name, attempt))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _in_the_end(self, name: str, attempt: Callable[[], Awaitable[None]]) -> None:
        why = ""
        for pause_s in (0.0, *self._pauses_s):
            await asyncio.sleep(pause_s)
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await attempt()
            except TimeoutError:
                why = f"took longer than {_PATIENCE_S:g} s"
            except (OSError, _FailedError) as error:
                why = str(error)
            else:
                return
        self._say(f"notify: {name}: {why}; nobody was told of the change")


class _FailedError(Exception):
    """It was told, and did not take it."""


async def _run(command: Sequence[str], body: bytes) -> None:
    """Run a program with a text on its standard input."""
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=DEVNULL, stderr=PIPE)
    try:
        _, said = await process.communicate(body)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        words = cut_short(said.decode(errors="replace").strip())
        raise _FailedError(f"{Path(command[0]).name} ended with status {process.returncode}: {words}")


async def _post(url: str, body: bytes) -> None:
    """Post JSON; raises where the answer is not 2xx. A redirect is not followed: it would lead to another host."""
    import aiohttp

    headers = {"Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            if not 200 <= answer.status < 300:
                raise _FailedError(f"the answer is HTTP status {answer.status}")
    except aiohttp.ClientError as error:
        raise _FailedError(cut_short(str(error) or type(error).__name__)) from None
