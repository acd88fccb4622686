"""Restore a folder of photographs on a Ray cluster of two local workers, and once more without Ray.

    python examples/restore_on_a_cluster.py [FOLDER]

Writes ``photographs``, ``cluster`` and ``local`` to FOLDER (default: ``demo/cluster``), and says whether the two agree.
Needs ``pip install unblur[cluster]``. On the command line: ``unblur restore photographs --psf disk:7 --engine ray``.
"""

import sys
from functools import partial
from pathlib import Path

from PIL import Image

from unblur.folder.restoration import Engine, rows_of, work_in
from unblur.io.psf import read_psf
from unblur.restoration import restore_file

PHOTOGRAPH = Path(__file__).parent / "photographs" / "out-of-focus.jpg"
STORE = 100_000_000
"""Bytes of shared memory for Ray, which would take a third of the machine's; a task is two names, its answer a row."""


def main(folder: Path) -> bool:
    """Cut the bundled photograph into four, restore them twice; whether both ways gave the same bytes."""
    import ray

    photographs = folder / "photographs"
    photographs.mkdir(parents=True, exist_ok=True)
    with Image.open(PHOTOGRAPH) as whole:
        width, height = whole.width // 2, whole.height // 2
        for number in range(4):
            left, top = number % 2 * width, number // 2 * height
            path = photographs / f"part-{number}.png"
            if not path.exists():
                whole.crop((left, top, left + width, top + height)).save(path)
    run = partial(restore_file, psf=read_psf("disk:7"), method="wiener", transfer="encoded")
    engines: dict[str, Engine] = {"local": "local", "cluster": "ray"}
    ray.init(num_cpus=2, object_store_memory=STORE, include_dashboard=False, log_to_driver=False)
    for name, engine in engines.items():
        work = work_in(photographs, folder / name, run, engine=engine)
        for row in rows_of(work, workers=2):
            sys.stdout.write(f"{name}: {row.photo}: {row.state}\n")
    ray.shutdown()
    names = [path.name for path in sorted((folder / "local").glob("*.png"))]
    agree = all((folder / "local" / name).read_bytes() == (folder / "cluster" / name).read_bytes() for name in names)
    sys.stdout.write(f"{len(names)} results, {'the same' if agree else 'NOT the same'} on the cluster\n")
    return agree


if __name__ == "__main__":
    sys.exit(0 if main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo/cluster")) else 1)
