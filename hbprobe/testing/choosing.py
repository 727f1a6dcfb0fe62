"""Which boxes a test is run behind: the words of a mark or a call, as references that a `Box` takes."""

from collections.abc import Iterable

from hbprobe.profiles.catalogue import built_in_folder, catalogue
from hbprobe.profiles.vocabulary import Category

USUAL = (
    "azure-load-balancer",
    "azure-load-balancer-tcp-reset",
    "aws-nlb-tcp",
    "aws-global-accelerator",
    "ten-minute-provider",
    "avm-fritzbox",
    "juniper-srx",
)
"""Boxes that cut a connection which is idle for less than an hour, in each manner: silence, RST, RST on the next
packet, FIN."""
_CATEGORIES = {str(category) for category in Category}


def chosen(words: Iterable[str]) -> list[str]:
    """Return the profiles that ids, categories of the catalogue, files and folders stand for. Raises UserError."""
    known, shipped = catalogue(), built_in_folder()
    found: dict[str, None] = {}
    for word in words:
        for file in known.find_files(str(shipped / word) if word in _CATEGORIES else word):
            found[file.stem if shipped in file.parents else str(file)] = None
    return list(found)
