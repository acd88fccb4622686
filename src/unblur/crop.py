"""A part of a photograph, for a quick look: read with its surroundings, so that it looks as in the whole."""

from dataclasses import dataclass

from unblur.errors import ConfigError

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Crop:
    """A box of the upright photograph, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def parsed(cls, text: str) -> "Crop":
        """From ``X,Y,W,H``.

        Raises:
            ConfigError: not four whole numbers, or a box without area or beyond the upper left corner.
        """
        try:
            crop = cls(*(int(part) for part in text.split(",")))
        except (TypeError, ValueError):
            raise ConfigError(
                f"the crop is {text!r}, expected X,Y,W,H in pixels, 800,600,400,300 for instance"
            ) from None
        if crop.left < 0 or crop.top < 0 or crop.width < 1 or crop.height < 1:
            raise ConfigError(f"the crop is {text!r}, expected X and Y of 0 or more, W and H of 1 or more")
        return crop

    def box(self, height: int, width: int) -> Box:
        """Rows and columns in a photograph of this size.

        Raises:
            ConfigError: the crop is not wholly inside.
        """
        right, bottom = self.left + self.width, self.top + self.height
        if right > width or bottom > height:
            raise ConfigError(
                f"the crop ends at column {right}, row {bottom}, expected at most the photograph's {width} x {height}"
            )
        return slice(self.top, bottom), slice(self.left, right)


def surrounded(box: Box, height: int, width: int, margin: int) -> tuple[Box, Box]:
    """What must be read of a photograph so that ``box`` has ``margin`` pixels around it, and the box within that."""
    read, kept = [], []
    for part, length in zip(box, (height, width), strict=True):
        first = max(0, part.start - margin)
        read.append(slice(first, min(length, part.stop + margin)))
        kept.append(slice(part.start - first, part.stop - first))
    return (read[0], read[1]), (kept[0], kept[1])
