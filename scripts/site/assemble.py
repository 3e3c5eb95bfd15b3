"""The folder that mkdocs reads: our pages where they stand in the repository, and a configuration with their order.

    python scripts/site/assemble.py FOLDER CONFIGURATION SITE

FOLDER has the tutorials (``docs/tutorials/*.md``) and the two references (``reference/``) already. README is the site's
first page. Links between pages hold as they are, for each page keeps its place; other files that pages link to are
copied too.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml
from dialect import to_python_markdown

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OTHER_PAGES = ("README.md", "NEWS.md", "CONTRIBUTING.md", "LICENSE.md", "benchmarks/RESULTS.md")
TUTORIAL = re.compile(r"(\]\((?:[^)\s:]*/)?tutorials/[a-z-]+)\.Rmd")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")
TUTORIALS = (  # their order in the menu
    "first-model", "from-stata", "how-many-groups", "scales", "counts", "covariates", "dropout", "time-to-event",
    "exposure", "refining", "several-outcomes", "coming-from", "published-result", "writing-up", "a-million-people",
    "torch")
GUIDES = {  # heading of the menu -> pages of docs/, in their order
    "The model": ("model", "curves", "priors", "several-outcomes", "event", "networks"),
    "Choosing": ("search", "choosing", "blrt"),
    "After the fit": ("distal", "forecasts", "story", "standard-errors"),
    "Data and programs": ("disk", "training", "programs", "fit-document"),
    "How right it is": ("accuracy", "coverage", "distal-coverage"),
}


def title(page: Path) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SystemExit(f"{page} has no heading: begin it with `# Title`.")
    return found[1].replace("`", "")


def to_tutorials(text: str) -> str:
    """Links to sources of tutorials, which GitHub shows, made links to the pages that come of them."""
    return TUTORIAL.sub(r"\1.md", text)


def copy_page(name: str, folder: Path) -> None:
    """A page of the repository, and the files beside it that it shows or links to."""
    text = to_tutorials((ROOT / name).read_text(encoding="utf-8"))
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(to_python_markdown(text), encoding="utf-8")
    for target in LINK.findall(text):
        source = (ROOT / name).parent / target
        place = folder / source.resolve().relative_to(ROOT)
        if source.is_file() and source.suffix != ".md" and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)


def tutorials(folder: Path) -> list[str]:
    """Names of the tutorials: in the order of TUTORIALS, and those that are not in it by name."""
    there = sorted(page.stem for page in (folder / "docs/tutorials").glob("*.md") if page.stem != "index")
    return sorted(there, key=lambda name: TUTORIALS.index(name) if name in TUTORIALS else len(TUTORIALS))


def first_paragraph(page: Path) -> str:
    """What a tutorial says it is about: its first paragraph."""
    parts = page.read_text(encoding="utf-8").split("\n\n")
    for part in parts[1:] if parts[0].startswith("# ") and "\n" not in parts[0].strip() else parts:
        text = re.sub(r"^# .*\n", "", part).strip()
        if text and text[0] not in "`|/<!":
            return " ".join(text.split())
    return ""


def tutorials_menu(folder: Path) -> list[Any]:
    """The tutorials in the menu, and their page of contents."""
    names = tutorials(folder)
    if not names:
        return []
    pages = [folder / f"docs/tutorials/{name}.md" for name in names]
    lines = ["# Tutorials", "", "All code of R and Python here ran when this site was built. Choose R, Python or Stata "
             "once; all pages follow.", ""]
    lines += [f"* [{title(page)}]({page.name}). {first_paragraph(page)}" for page in pages]
    (folder / "docs/tutorials/index.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    menu = [{title(page): f"docs/tutorials/{page.name}"} for page in pages]
    return [{"Tutorials": ["docs/tutorials/index.md", *menu]}]


def guides_menu(folder: Path) -> list[Any]:
    """All pages of ``docs/`` but the architecture, which is for developers."""
    named = {name for names in GUIDES.values() for name in names} | {"architecture"}
    others = sorted(page.stem for page in (folder / "docs").glob("*.md") if page.stem not in named)
    menu = [{heading: [f"docs/{name}.md" for name in names if (folder / f"docs/{name}.md").exists()]}
            for heading, names in GUIDES.items()]
    return [*menu, {"More": [f"docs/{name}.md" for name in others]}] if others else menu


def reference_menu(folder: Path, language: str) -> list[Any]:
    """All pages of one language's reference: its page of contents, what that lists, and what these refer to."""
    pages = sorted((folder / "reference" / language).glob("*.md"), key=lambda page: page.name.lower())
    contents = (folder / "reference" / language / "index.md").read_text(encoding="utf-8")
    places = [f"reference/{language}/{page.name}" for page in pages if page.name != "index.md"]
    listed = [place for place in places if f"]({Path(place).name})" in contents]
    named = [{Path(place).stem: place} for place in places if place in listed]
    further = [{Path(place).stem: place} for place in places if place not in listed]
    return [f"reference/{language}/index.md", *named, *([{"Referred to there": further}] if further else [])]


def main(folder: Path, configuration: Path, site: Path) -> None:
    pages = [*OTHER_PAGES, *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]
    for name in pages:
        copy_page(name, folder)
    shutil.copy(HERE / "style.css", folder / "style.css")
    menu: list[Any] = [{"gbtm": "README.md"}, *tutorials_menu(folder), {"Guides": guides_menu(folder)},
                       {"R": reference_menu(folder, "r")}, {"Python": reference_menu(folder, "python")},
                       {"News": "NEWS.md"},
                       {"Develop": ["CONTRIBUTING.md", "docs/architecture.md", "benchmarks/RESULTS.md", "LICENSE.md"]}]
    settings = {"INHERIT": str(HERE / "mkdocs.yml"), "docs_dir": str(folder), "site_dir": str(site), "nav": menu,
                "hooks": [str(HERE / "hooks.py")], "watch": []}
    configuration.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:4]))
