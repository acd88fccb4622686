"""What is posted to the page to do harm: damaged files, traps, wild names, JSON that says what nobody expects."""

import copy
import json
import os
import random
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

from tests.robust import samples
from tests.robust.damage import damaged_at, with_damages
from tests.robust.page import BYTES, JSON
from tests.robust.traps import TRAPS

PHOTOGRAPH, PSF, WORDS = "page", "page-psf", "page-words"
"""The doors: a photograph, a PSF for one, and everything else that is asked about one."""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One request; ``{one}`` in its path stands for a photograph that is open."""

    door: str
    what: str
    method: str = "POST"
    path: str
    kind: str = BYTES
    body: bytes = b""
    whole: bool = False
    """If it is taken: restore and download it as well, which takes seconds."""


def posted(case: str, seed: int) -> Posted:
    """The request of a case: ``page-`` and a number, or a key of :data:`PAGE_TRAPS`."""
    word = case.removeprefix("page-")
    return _at_random(random.Random(f"{seed}/{case}")) if word.isdecimal() else PAGE_TRAPS[case]()


def _at_random(rng: random.Random) -> Posted:
    door = rng.choices((PHOTOGRAPH, PSF, WORDS), weights=(50, 20, 30))[0]
    if door == WORDS:
        return _words(rng)
    made = damaged_at("restore" if door == PHOTOGRAPH else "psf", rng)
    posted_file = _file(door, made.what, made.name.encode(), made.content, whole=rng.random() < 0.04)
    if rng.random() < 0.03:
        kind = rng.choice(("", "text/plain", "multipart/form-data; boundary=x", JSON))
        return Posted(**vars(posted_file) | {"kind": kind, "what": f"{made.what}, as {kind!r}"})
    return posted_file


def _file(door: str, what: str, name: bytes, content: bytes, *, whole: bool = False) -> Posted:
    path = "/photographs" if door == PHOTOGRAPH else "{one}/psf/file"
    return Posted(
        door=door, what=what, path=f"{path}?name={quote_from_bytes(name, safe='')}", body=content, whole=whole
    )


_SOUND: dict[str, dict[str, Any]] = {
    "psf": {"shape": "motion:7,30"},
    "psf/drawn": {"points": [[0, 0], [3.5, 2], [4, 6]], "width": 1.5},
    "psf/point": {"x": 40, "y": 30.5, "size": 9, "alone": True},
    "psf/edge": {"box": [30, 8, 40, 30]},
    "preview": {
        "psf": {"shape": "disk:2"},
        "method": "wiener",
        "transfer": "linear",
        "settings": {"noise": 0.01},
        "box": [4, 8, 60, 40],
        "deep": False,
    },
    "restoration": {"psf": {"kept": "none"}, "method": "richardson-lucy", "settings": {"iterations": 3}},
    "restoration/file": {"format": "png", "quality": 90},
    "estimation": {"kind": "disk", "size": 9, "box": [0, 0, 90, 90], "transfer": "encoded"},
}
"""By route: what is asked when all is well."""
_ODD: tuple[Any, ...] = (
    *(float("nan"), float("inf"), -float("inf"), -1, 0, 1, 2, -0.0, 0.5, 1e-300, 1e8, 1e9, 1e308, 2**31, 2**63, 10**30),
    *(None, True, False, "", " ", "nan", "1", "\0", "\n", "\ud800", "é" * 300, "../../etc/passwd", "<b>", "disk:1e9"),
    *(
        "disk:nan",
        "disk:-3",
        "gauss:1,2,3,4",
        "shake:513,seed=9",
        "motion:1e-300,0",
        "polygon:3,0.1",
        "shake:3,seed=-1",
    ),
    *([], {}, [[]], [1, 2], [[1, 2]] * 6000, {"shape": "disk:2"}, {"kept": {}}, {"shape": ["disk:2"]}),
    *([0, 0, 1, 1], [-1, -1, 5, 5], [0, 0, 10**20, 1], [95, 127, 1, 1], [0.5, 0, 4, 4], [True, 0, 4, 4]),
    *(
        "odcnn",
        "eigen-cnn",
        "universal",
        "mlp",
        "sparse",
        {"iterations": 10**9},
        {"noise": None},
        {"weights": "/dev/zero"},
    ),
)


def _words(rng: random.Random) -> Posted:
    """A request about an open photograph of which one to three values are others, or its bytes damaged."""
    route = rng.choice(sorted(_SOUND))
    words, told = copy.deepcopy(_SOUND[route]), [route]
    if rng.random() < 0.15:
        body, said = with_damages(json.dumps(words).encode(), rng)
        return Posted(door=WORDS, what=f"{route}, {said}", path=f"{{one}}/{route}", kind=JSON, body=body)
    if rng.random() < 0.1:
        box = ",".join(str(rng.choice(_ODD))[:20] for _ in range(rng.choice((0, 3, 4, 4, 5))))
        where = rng.choice(("part", "restoration/part", "restoration/file", "overview", "psf", "nowhere"))
        path = f"{{one}}/{where}?box={quote(box, errors='surrogatepass')}&format={quote(box[:9], errors='replace')}"
        return Posted(door=WORDS, what=f"{where} of {box!r}", method="GET", path=path, kind="")
    told += [_reworded(words, rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    body = json.dumps(words).encode()
    if rng.random() < 0.03:
        body = b"[" * rng.choice((100, 100_000, 900_000)) + body
    return Posted(door=WORDS, what=", ".join(told)[:200], path=f"{{one}}/{route}", kind=JSON, body=body)


def _reworded(words: dict[str, Any], rng: random.Random) -> str:
    """Change one value, at any depth, or leave it out; what was done."""
    place: Any = words
    key: Any = rng.choice(sorted(words)) if words else "more"
    while isinstance(place.get(key) if isinstance(place, dict) else place[key], dict | list) and rng.random() < 0.6:
        inner = place[key]
        if not inner:
            break
        place, key = inner, rng.choice(sorted(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
    if isinstance(place, dict) and rng.random() < 0.1:
        place.pop(key, None)
        return f"no {key}"
    place[key] = copy.deepcopy(rng.choice(_ODD))
    return f"{key} is {str(place[key])[:20]!r}"


_BOUND_TO_A_PATH = {"folder-as-picture", "loop", "dangling", "unreadable", "pipe", "device", "long-name"}
"""Traps that lie in where a file is, not in what it holds."""
_NAMES = {
    "no-name": b"",
    "dots": b"..",
    "long": b"a" * 300 + b".png",
    "null": b"a\0b.png",
    "lines": b"a\r\nset-cookie: b.png",
    "not-utf8": b"caf\xe9.png",
    "script": b"<img src=x onerror=alert(1)>.png",
    "turned": "a\u202egnp.exe".encode(),
    "raw": b"a.nef",
    "many-endings": b"a.png.tif.fits",
}


def _of_trap(name: str) -> Posted:
    trap = TRAPS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = trap.make(Path(folder))
        content, given = path.read_bytes(), os.fsencode(path.name)
    door = PHOTOGRAPH if trap.door == "restore" else PSF
    return _file(door, trap.make.__doc__ or name, given, content)


def _of_name(key: str) -> Posted:
    return _file(
        PHOTOGRAPH, f"a sound picture named {_NAMES[key][:40]!r}", _NAMES[key], samples.photographs()["rgb.png"]
    )


PAGE_TRAPS = {
    **{
        f"page-{name}": partial(_of_trap, name)
        for name, trap in TRAPS.items()
        if trap.door in ("restore", "psf") and name.removeprefix(f"{trap.door}-") not in _BOUND_TO_A_PATH
    },
    **{f"page-name-{key}": partial(_of_name, key) for key in _NAMES},
}
"""By name: those traps whose harm lies in the bytes, and sound pictures under wild names."""
