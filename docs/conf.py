"""The documentation site: `python -m sphinx -W docs build/site`, with what `hbprobe[docs]` brings."""

from hbprobe import __version__

project = "hbprobe"
copyright = "the hbprobe developers"  # noqa: A001  Sphinx calls it so
version = release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 4
exclude_patterns = ["__pycache__"]
html_theme = "furo"
html_title = f"hbprobe {__version__}"
html_show_sphinx = False
html_copy_source = False
