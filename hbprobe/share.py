"""Shares of a whole, as people write them: 0.1 or 10%."""


def parse_share(text: str) -> float:
    """Read a share, from 0 up to but not including 1; raises ValueError for anything else."""
    number = text.removesuffix("%")
    try:
        value = float(number) / (100 if number != text else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise ValueError(f"{text!r} is no share: write 0.1 or 10%")
    return value
