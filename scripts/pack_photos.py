"""Pack training photographs into a folder of bounded size, to carry to a machine with a GPU.

    python scripts/pack_photos.py PHOTOS pack/ --megabytes 30 --prefix budgie_ --prefix bep_

Photographs are taken in turn from every source (the part of a name before its first underscore) until the folder is
full. Those above the quality asked for are compressed again, so a pack is only as good as that quality: train on the
originals where you can.
"""

import argparse
import io
import itertools
import os
from collections import defaultdict
from pathlib import Path

from PIL import Image


def packed(path: Path, quality: int) -> bytes:
    """The photograph as a JPEG of at most this quality, whichever of the two is smaller."""
    with Image.open(path) as picture:
        again = io.BytesIO()
        picture.convert("RGB").save(again, "JPEG", quality=quality, subsampling=0, optimize=True)
    original = path.read_bytes() if path.suffix.lower() in (".jpg", ".jpeg") else None
    return original if original is not None and len(original) <= again.tell() else again.getvalue()


def main() -> None:
    """Read the command line, pack, and say what became of it."""
    parser = argparse.ArgumentParser(description="Pack training photographs into a folder of bounded size.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--megabytes", type=float, default=30.0)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--prefix", action="append", default=[])
    asked = parser.parse_args()
    sources: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(asked.photos.iterdir()):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png") and (
            not asked.prefix or path.name.startswith(tuple(asked.prefix))
        ):
            sources[path.name.split("_")[0]].append(path)
    asked.output.mkdir(parents=True, exist_ok=True)
    room, count = asked.megabytes * 1e6, 0
    for path in filter(None, itertools.chain.from_iterable(itertools.zip_longest(*sources.values()))):
        content = packed(path, asked.quality)
        if len(content) > room:
            continue
        target = asked.output / f"{path.stem}.jpg"
        part = target.with_suffix(".part")
        part.write_bytes(content)
        os.replace(part, target)  # noqa: PTH105 - the atomic one
        room, count = room - len(content), count + 1
    print(f"{count} photographs, {asked.megabytes - room / 1e6:.1f} MB in {asked.output}")  # noqa: T201


if __name__ == "__main__":
    main()
