"""A sheet that shows a photograph before and after."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from unblur.colour import encode_srgb
from unblur.io.arrays import array_of, planes_of_array
from unblur.io.picture import Picture, Pixels
from unblur.io.write import write_picture

_PANEL = 960
"""Largest side of one panel, in pixels; a larger picture is shown as a whole and as a detail of this size at 1:1."""
_DETAIL_HEIGHT = 640
_GAP, _EDGE, _LABEL = 12, 28, 40
_GROUND, _TEXT, _MARK = (24, 25, 28), (214, 216, 222), (255, 176, 32)


def write_sheet(before: Picture, after: Picture, path: Path, *, overwrite: bool = False) -> None:
    """Draw both pictures side by side; large ones again below, the liveliest part at 1:1.

    Args:
        before: the blurred photograph.
        after: the restored one, of the same size.
        path: where the sheet goes; any format that can be written.
        overwrite: replace an existing file.

    Raises:
        ImageError: the sheet cannot be written.
    """
    wholes = (_overview(before), _overview(after))
    rows = [(wholes, ("before", "after"))]
    height, width = before.size
    if max(height, width) > _PANEL:
        top, left, bottom, right = _liveliest(before)
        details = tuple(Image.fromarray(_screen(part, (top, left, bottom, right))) for part in (before, after))
        scale = wholes[0].width / width
        for whole in wholes:
            frame = tuple(round(side * scale) for side in (left, top, right - 1, bottom - 1))
            ImageDraw.Draw(whole).rectangle(frame, outline=_MARK, width=2)
        rows.append(((details[0], details[1]), ("before, 1:1", "after, 1:1")))
    coloured = before.encoding == "srgb" and before.pixels.shape[2] == 3
    sheet = Picture(pixels=np.asarray(_arranged(rows)), format="PNG", icc=before.icc if coloured else None)
    write_picture(sheet, path, overwrite=overwrite)


def _arranged(rows: list[tuple[tuple[Image.Image, Image.Image], tuple[str, str]]]) -> Image.Image:
    """Labelled pairs on a dark ground, each row centred."""
    widths = [sum(panel.width for panel in panels) + _GAP for panels, _ in rows]
    heights = [panels[0].height + _LABEL for panels, _ in rows]
    size = (max(max(widths), 240) + 2 * _EDGE, sum(heights) + _EDGE + (len(rows) - 1) * _GAP)
    sheet = Image.new("RGB", size, _GROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(18)
    top = 0
    for (panels, labels), width, height in zip(rows, widths, heights, strict=True):
        left = (sheet.width - width) // 2
        for panel, label in zip(panels, labels, strict=True):
            draw.text((left, top + _LABEL // 2 + 2), label, fill=_TEXT, font=font, anchor="lm")
            sheet.paste(panel, (left, top + _LABEL))
            left += panel.width + _GAP
        top += height + _GAP
    return sheet


def _overview(picture: Picture) -> Image.Image:
    """The whole picture, reduced to a panel if it is larger; very small ones are enlarged in whole steps."""
    height, width = picture.size
    step = max(1, min(height, width) // (2 * _PANEL))  # thin out first, so that 100 megapixels stay cheap
    image = Image.fromarray(_screen(picture, (0, 0, height, width), step))
    scale = min(1.0, _PANEL / max(height, width))
    if max(height, width) < _PANEL // 4:
        enlarged = _PANEL // 4 // max(height, width) + 1
        return image.resize((width * enlarged, height * enlarged), Image.Resampling.NEAREST)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image


def _screen(picture: Picture, box: tuple[int, int, int, int], step: int = 1) -> Pixels:
    """Part of a picture as 8-bit sRGB."""
    top, left, bottom, right = box
    part = np.ascontiguousarray(picture.pixels[top:bottom:step, left:right:step])
    if part.dtype != np.uint8 or picture.encoding == "linear":
        white = {"uint8": 255, "uint16": 65535}.get(part.dtype.name, 1)
        values = planes_of_array(part.astype(np.float32) / white).clamp(0, 1)
        shown = encode_srgb(values) if picture.encoding == "linear" else values
        part = array_of((shown * 255).round().to(torch.uint8))
    return np.ascontiguousarray(part.repeat(3, axis=2) if part.shape[2] == 1 else part)


def _liveliest(picture: Picture) -> tuple[int, int, int, int]:
    """The panel-sized box (top, left, bottom, right) with the strongest changes between neighbouring pixels."""
    height, width = picture.size
    tall, wide = min(height, _DETAIL_HEIGHT), min(width, _PANEL)
    tops, lefts = range(0, height - tall + 1, max(1, tall // 2)), range(0, width - wide + 1, max(1, wide // 2))

    def liveliness(corner: tuple[int, int]) -> float:
        top, left = corner
        part = picture.pixels[top : top + tall : 3, left : left + wide : 3, 0].astype(np.float32)
        return float(np.abs(np.diff(part, axis=0)).sum() + np.abs(np.diff(part, axis=1)).sum())

    top, left = max(((top, left) for top in tops for left in lefts), key=liveliness)
    return top, left, top + tall, left + wide
