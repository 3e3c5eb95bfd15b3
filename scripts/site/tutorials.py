"""The tutorials, run: ``docs/tutorials/*.Rmd`` to pages. What has not changed since it last ran is not run again.

    python scripts/site/tutorials.py FOLDER CACHE [SOURCES]

A page is kept in CACHE under a digest of its source, of the engine, of the R package and of how it is run. A chunk that
fails ends the build.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KNIT = Path(__file__).resolve().parent / "knit.R"
WHAT_RUNS = ("python/gbtm/**/*.py", "python/gbtm/**/*.json", "python/gbtm/datasets/*.csv", "R/*.R", "data/*.rda",
             "inst/extdata/*", "inst/constraints/*")


def digest(source: Path, root: Path = ROOT) -> str:
    """Of all that a page's results depend on."""
    known = hashlib.sha256()
    for path in [source, KNIT, *(path for pattern in WHAT_RUNS for path in sorted(root.glob(pattern)))]:
        known.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return known.hexdigest()[:16]


def run(source: Path, folder: Path, cache: Path) -> bool:
    """The page of one tutorial in ``folder``; whether it ran, for it may be kept from before."""
    kept = cache / f"{source.stem}-{digest(source)}"
    ran = not kept.exists()
    if ran:
        making = kept.with_suffix(".part")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        done = subprocess.run(["Rscript", str(KNIT), str(source), str(making)], check=False)
        if done.returncode:
            raise SystemExit(f"{source}: a chunk failed (see above); the site is not built.")
        for old in cache.glob(f"{source.stem}-*"):
            if old != making:
                shutil.rmtree(old)
        making.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return ran


def main(folder: Path, cache: Path, sources: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(sources.glob("*.Rmd")):
        ran = run(source, folder, cache)
        print(f"{source.stem}: {'ran' if ran else 'unchanged'}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(),
         Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else ROOT / "docs/tutorials")
