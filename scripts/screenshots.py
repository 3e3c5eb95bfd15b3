"""Five pages of the site as a phone and a desk show them, to be looked at: build/site/screenshots/PAGE-WIDTH.png.

    python scripts/screenshots.py [PAGE ..]     pages of site/, such as docs/model.html

A page that is wider than its window is told: something on it does not wrap. Where no chromium is installed it says so
and does nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE, OUT = ROOT / "site", ROOT / "build/site/screenshots"
PAGES = ("index.html", "docs/model.html", "docs/search.html", "reference/r/gbtm.html", "reference/python/search.html")
WIDTHS, HEIGHT = (390, 1280), 2400
FRAME = """<body style="margin:0">
<iframe id="f" src="{page}" width="{width}" height="{height}" style="border:0"></iframe>
<script>onload = () => {{ const d = f.contentDocument.documentElement; let wide = [];
for (const e of d.querySelectorAll("article *")) {{ const r = e.getBoundingClientRect();
  if (r.right > {width} + 1 && !e.closest("pre, .md-typeset__scrollwrap, .highlight"))
    wide.push(e.tagName + " " + e.textContent.slice(0, 40)); }}
document.title = "wide:" + d.scrollWidth + ":" + wide.slice(0, 3).join(" / "); }}</script>"""


def chromium(*arguments: str) -> str:
    """What headless chromium prints."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("Not done: there is no chromium (Debian: apt-get install chromium).")
        raise SystemExit(0)
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files",
         "--virtual-time-budget=4000", *arguments], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def shoot(page: str, width: int) -> list[str]:
    """The picture of a page at a width, in a frame, for chromium's own window is never narrower than 500 pixels."""
    name = re.sub(r"\W+", "-", page.removesuffix(".html"))
    picture = OUT / f"{name}-{width}.png"
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.html"
        frame.write_text(FRAME.format(page=(SITE / page).as_uri(), width=width, height=HEIGHT), encoding="utf-8")
        chromium(f"--screenshot={picture}", f"--window-size={max(width, 500)},{HEIGHT}", frame.as_uri())
        found = re.search(r"<title>wide:(\d+):(.*?)</title>", chromium("--dump-dom", frame.as_uri()), re.DOTALL)
    print(picture.relative_to(ROOT))
    if found is None:
        return [f"{page}: could not be measured"]
    return [f"{page} is {found[1]} pixels wide in a window of {width}: {found[2]}"] if int(found[1]) > width else []


def main(pages: list[str]) -> int:
    if not SITE.is_dir():
        raise SystemExit("There is no site/: make site")
    OUT.mkdir(parents=True, exist_ok=True)
    tutorial = sorted(page.relative_to(SITE).as_posix() for page in (SITE / "docs/tutorials").glob("[!i]*.html"))[:1]
    wrong = [line for page in pages or [*tutorial, *PAGES][:5] for width in WIDTHS for line in shoot(page, width)]
    print(*wrong, sep="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
