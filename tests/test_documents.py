"""Every document: its links lead somewhere, and the site's index leads to it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*([^)\s]+)\s*\)")


def prose(document: Path) -> str:
    """Return a document without its code, in which nothing is a link."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]+`", "code", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))


def anchors(document: Path) -> set[str]:
    """Return what a link may name in a document, as GitHub and MyST make it of the headings."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.findall(prose(document)):
        if re.match(r"https?://|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        there = (document.parent / name).resolve() if name else document
        assert there.is_file(), f"{link}: no such file"
        assert not anchor or anchor in anchors(there), f"{link}: no such heading"
        of_the_site = document.parent.name == "docs"
        assert not of_the_site or (ROOT / "docs") in there.parents, f"{link}: is no part of the documentation site"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_merge_was_left_half_done(document: Path) -> None:
    assert not re.search(r"^(<{7}|>{7}|\|{7}) ", document.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_index_leads_to_every_document_once() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    listed = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem != "index")


@pytest.mark.parametrize("term", ["idle timeout", "session", "keep-alive", "firewall", "load balancer", "NAT", "RST"])
def test_the_words_of_the_field_are_found(term: str) -> None:
    texts = {page: " ".join(page.read_text(encoding="utf-8").split()) for page in DOCUMENTS}
    pages = [page for page, text in texts.items() if re.search(rf"\b{term}\b", text)]
    assert ROOT / "README.md" in pages and len(pages) > 3
