"""`python -m hbprobe` is the same program as `hbprobe`."""

from hbprobe.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
