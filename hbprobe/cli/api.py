"""A small HTTP API beside what a verb serves: opened before, closed after."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from hbprobe.net.address import Address, cannot_listen

if TYPE_CHECKING:
    from hbprobe.net.json_api import JsonApi


@contextlib.asynccontextmanager
async def opened(api: "JsonApi", where: Address, option: str, told: Callable[[str], None]) -> AsyncIterator[None]:
    """Let an API listen as an option says, and close it at the end; `told` hears at which address.

    Raises UserError where that cannot be had.
    """
    try:
        host, port = await api.listen(where.host, where.port)
    except OSError as error:
        await api.close()
        raise cannot_listen(where, error, option) from None
    told(f"http://{Address(host, port)}")
    try:
        yield
    finally:
        await api.close()
