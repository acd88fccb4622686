"""How a process grows: its resident memory, noted as it works, and a line through it."""

import resource
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


def held() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@dataclass
class Growth:
    """Notes of resident memory; they take 16 bytes each themselves."""

    places: "array[float]" = field(default_factory=lambda: array("d"))
    sizes: "array[float]" = field(default_factory=lambda: array("d"))

    def note(self, place: float) -> None:
        """How much is held now that the work has come to ``place``, in any unit that rises."""
        self.places.append(place)
        self.sizes.append(held())

    def slope(self) -> float:
        """Bytes by which the memory grows with each unit of work, by a straight line through the second half.

        In the first half caches fill.
        """
        half = len(self.sizes) // 2
        places, sizes = np.array(self.places[half:]), np.array(self.sizes[half:])
        if len(places) < 2:
            raise ValueError(f"there are {len(self.sizes)} notes, expected 4 or more for a line")
        return float(np.polyfit(places - places.mean(), sizes, 1)[0])

    def risen(self) -> float:
        """Bytes of growth in the second half, by that line."""
        return self.slope() * (self.places[-1] - self.places[len(self.places) // 2])

    def described(self) -> str:
        """The memory at the first note, in the middle and at the end, in MB."""
        shown = (self.sizes[0], self.sizes[len(self.sizes) // 2], self.sizes[-1])
        return " → ".join(f"{size / 1e6:.1f}" for size in shown) + " MB"
