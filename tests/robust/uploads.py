"""One request to the page, what follows from it, and whether all of it ended as it may."""

import io
import json
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.conftest import make_chart
from tests.robust.page import JSON, Answer, Page
from tests.robust.posted import PHOTOGRAPH, PSF, WORDS, Posted
from tests.robust.trial import GOOD, REFUSED, Verdict, without_the_words_of_libraries
from unblur.errors import UnblurError
from unblur.io.read import read_picture

_PATIENCE = 90.0
"""Seconds that a whole restoration of some thousand pixels may wait and take."""
_SIDE = 2048
"""Longest side in which a whole picture is shown."""
_CUT_SHORT = "it ended without a result"


class PageError(Exception):
    """How the page answered as it may not."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict = Verdict(kind=kind, detail=detail[:300])


class Uploads:
    """A page with one sound photograph open, at which requests are tried one after the other."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._end = ExitStack()

    def __enter__(self) -> "Uploads":
        self.page = self._end.enter_context(Page())
        file = io.BytesIO()
        grey = (make_chart(96, 128)[0, 0].numpy() * 255).round().astype(np.uint8)
        Image.fromarray(np.stack([grey, grey, 255 - grey], axis=2)).save(file, "PNG")
        opened = self.page.ask("POST", "/photographs?name=a.png", body=file.getvalue(), kind="application/octet-stream")
        self.one = f"/photographs/{opened.json['id']}"
        (self._own,) = self.page.folder.iterdir()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def tried(self, case: Posted) -> Verdict:
        """Post it, go on with what was taken, close that again, and look at what is left."""
        before = self.page.files()
        self.page.logged.clear()
        try:
            with without_the_words_of_libraries(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # as the command does before it serves anything
                verdict = self._followed(case)
            if self.page.logged:
                raise PageError("words", "; ".join(self.page.logged))
            remains = {path for path in self.page.files() ^ before if not self._may_remain(path, case)}
            if remains:
                raise PageError("remains", str(sorted(path.name for path in remains)))
        except PageError as wrong:
            return wrong.verdict
        return verdict

    def _may_remain(self, path: Path, case: Posted) -> bool:
        """Whether it belongs to work on the photograph that stays open."""
        return case.door == WORDS and path.parent == self._own and path.suffix != ".part"

    def _followed(self, case: Posted) -> Verdict:
        path = case.path.replace("{one}", self.one)
        answer = self._ask(case.method, path, body=case.body, kind=case.kind)
        if answer.status >= 400:
            return Verdict(kind=REFUSED, detail=answer.json["error"])
        if case.door == PHOTOGRAPH:
            self._look_at(answer.json, whole=case.whole)
        elif case.door == PSF:
            told = answer.json
            self._preview(self.one, {"kept": told["kept"]}, (64, 48))
            if told["width"] % 2 == 0 or told["height"] % 2 == 0:
                raise PageError("wrong", f"a PSF of {told['width']} x {told['height']} was let in")
        elif answer.status == 202:  # begun: end it
            self._ask("DELETE", path)
        elif answer.kind.startswith("image/"):
            _picture(answer)
        return Verdict(kind=GOOD)

    def _look_at(self, told: dict[str, Any], *, whole: bool) -> None:
        """Do with a photograph what the page does."""
        one, size = f"/photographs/{told['id']}", (told["width"], told["height"])
        shown = _picture(self._ask("GET", f"{one}/overview"))
        share = min(1.0, _SIDE / max(size))
        if any(abs(seen - share * side) > 1 for seen, side in zip(shown, size, strict=True)):
            raise PageError("wrong", f"a picture of {size} is shown as {shown}")
        part = min(size[0], 40), min(size[1], 30)
        seen = _picture(self._ask("GET", f"{one}/part?box=0,0,{part[0]},{part[1]}"))
        if seen != part:
            raise PageError("wrong", f"a part of {part} is shown as {seen}")
        self._preview(one, {"shape": "motion:3,0"}, part)
        if whole:
            self._restore(one, size)
        if self._ask("DELETE", one).status != 204:
            raise PageError("wrong", "it cannot be closed")

    def _preview(self, one: str, psf: dict[str, str], size: tuple[int, int]) -> None:
        words = {"psf": psf, "method": "wiener", "box": [0, 0, *size]}
        answer = self._ask("POST", f"{one}/preview", body=json.dumps(words).encode(), kind=JSON)
        if answer.status == 200 and _picture(answer) != size:
            raise PageError("wrong", f"a preview of {size} has the size {_picture(answer)}")

    def _restore(self, one: str, size: tuple[int, int]) -> None:
        """Restore all of it and download the result."""
        words = {"psf": {"shape": "motion:3,0"}, "method": "wiener"}
        begun = self._ask("POST", f"{one}/restoration", body=json.dumps(words).encode(), kind=JSON)
        if begun.status >= 400:
            return
        for told in self._progress(f"{one}/restoration"):
            state = told["state"]
        if state == "failed":
            _check_sentence(told["error"], self.page.folder)
            return
        file = self._ask("GET", f"{one}/restoration/file")
        if file.status >= 400:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.{file.kind.split('/')[1]}"
            path.write_bytes(file.body)
            try:
                height, width = read_picture(path).size
            except UnblurError as error:
                raise PageError("wrong", f"the result cannot be read again: {error}") from error
        if (width, height) != size:
            raise PageError("wrong", f"the result of a picture of {size} has the size {(width, height)}")

    def _progress(self, path: str) -> Iterator[dict[str, Any]]:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            told: dict[str, Any] = self._ask("GET", path).json
            yield told
            if told["state"] not in ("waiting", "running"):
                return
            self.page.rest(0.05)
        raise PageError("hang", f"a restoration is not done after {_PATIENCE:g} s")

    def _ask(self, method: str, path: str, *, body: bytes = b"", kind: str = "") -> Answer:
        """An answer that may be given: a good one, or a status that names the asker's fault with a sentence as JSON."""
        answer = self.page.ask(method, path, body=body, kind=kind)
        if answer.trace or answer.status not in range(200, 500):
            raise PageError("trace", f"{answer.status} at {path[:80]}: {answer.trace}")
        if answer.status >= 400 or answer.kind == JSON:
            try:
                said = answer.json
            except ValueError as error:
                raise PageError("words", f"{answer.status} at {path[:80]} with {answer.body[:80]!r}") from error
            if answer.status >= 400:
                _check_sentence(said["error"], self.page.folder)
        return answer


def _check_sentence(text: str, folder: Path) -> None:
    """One line that says nothing of the server's files, nor that its memory ran out, nor that its process died."""
    if not text or "\n" in text or str(folder) in text or "Traceback" in text:
        raise PageError("words", text)
    if "allocate" in text.lower():
        raise PageError("memory", text)
    if _CUT_SHORT in text:
        raise PageError("crash", text)


def _picture(answer: Answer) -> tuple[int, int]:
    """Width and height of a picture that was answered; of anything else, a fault."""
    if answer.status != 200:
        raise PageError("wrong", f"{answer.status}, expected a picture: {answer.body[:200]!r}")
    with Image.open(io.BytesIO(answer.body)) as image:
        image.load()
        return image.size
