"""Does the built site hold together?

    python scripts/site/check.py SITE

* Every address within the site, of pages, figures, scripts and headings, leads somewhere.
* Nothing is fetched from elsewhere: no script, style, font or figure of another host.
* Every figure says in words what it shows.
* Pages of ours have the lists, tables, code and emphasis that GitHub would show (see dialect.py).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
COUNTED = ("li", "table", "tr", "pre", "strong", "em", "h2", "h3", "img", "blockquote")
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """Addresses, headings and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.places: set[str] = set()
        self.without_words: list[str] = []
        self.counts: Counter[str] = Counter()
        self.inside = 0  # the article, in elements that may hold others
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places.update(found[name] for name in ("id", "name") if found.get(name))
        if tag in ("a", "area") and "href" in found:
            self.links.append(found["href"])
        if tag in FETCHED and found.get(FETCHED[tag]) and found.get("rel") != "canonical":
            self.fetched.append(found[FETCHED[tag]])
        if tag == "img" and (not found.get("alt") or found["alt"].startswith(("plot of chunk", "unnamed-chunk"))):
            self.without_words.append(found.get("src", ""))
        if tag == "article":
            self.inside += 1
        if self.inside:
            self.counts[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self.inside -= 1


def leads_nowhere(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Addresses within the site that have no file or no heading, and those that fetch from elsewhere."""
    wrong = []
    for path, page in pages.items():
        for address in [*page.links, *page.fetched]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if address in page.fetched and parts.scheme != "data":
                    wrong.append(f"{path.relative_to(site)}: fetches {address}")
                continue
            start = site if parts.path.startswith("/") else path.parent
            target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.exists():
                wrong.append(f"{path.relative_to(site)}: no file for {address}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                wrong.append(f"{path.relative_to(site)}: no heading for {address}")
    return wrong


def read_otherwise(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Pages of the repository whose tags are not those that GitHub's reading has."""
    wrong = []
    reader = MarkdownIt("commonmark").enable("table")
    ours = [ROOT / name for name in ("README.md", "NEWS.md", "CONTRIBUTING.md")]
    for source in [*ours, *sorted((ROOT / "docs").glob("*.md"))]:
        name = source.relative_to(ROOT).with_suffix(".html")
        place = (site / ("index.html" if source.stem == "README" else name)).resolve()
        expected = Page("<article>" + reader.render(source.read_text(encoding="utf-8")) + "</article>").counts
        found = pages[place].counts
        wrong += [f"{source.relative_to(ROOT)}: <{tag}> {found[tag]} times, GitHub has {expected[tag]}"
                  for tag in COUNTED if found[tag] != expected[tag]]
    return wrong


def main(site: Path) -> int:
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    # the page of what was not found is served at any address: its own addresses are absolute
    kept = {path: page for path, page in pages.items() if path.name != "404.html"}
    wrong = leads_nowhere(site, kept) + read_otherwise(site, kept)
    wrong += [f"{path.relative_to(site)}: no words for the figure {figure}"
              for path, page in kept.items() for figure in page.without_words]
    for style in site.rglob("*.css"):
        wrong += [f"{style.relative_to(site)}: fetches {found}"
                  for found in re.findall(r"url\(['\"]?(https?:[^)'\"]+)", style.read_text(encoding="utf-8"))]
    for line in wrong:
        print(line)
    links = sum(len(page.links) + len(page.fetched) for page in kept.values())
    print(f"{len(kept)} pages, {links} addresses, {len(wrong)} faults")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
