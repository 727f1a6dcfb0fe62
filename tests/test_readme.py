"""What the README shows is what the program prints."""

import io
import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
