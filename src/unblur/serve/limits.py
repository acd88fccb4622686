"""How much of the machine the page may take: sizes, counts and times, in one place."""

from dataclasses import dataclass

from unblur.errors import ConfigError

MEGA = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what one server holds and does; the defaults suit a laptop."""

    megapixels: int = 100
    """Of one photograph; a file that declares more is refused before it is decoded."""
    upload_megabytes: int = 500
    """Of one file."""
    upload_minutes: float = 10.0
    """An upload that takes longer is given up."""
    stall_seconds: float = 20.0
    """An upload of which nothing comes for so long is given up."""
    photographs: int = 64
    """Held at the same time."""
    held_megabytes: int = 6000
    """Of all photographs and their results together, in the temporary folder; memory holds what is looked at."""
    giving_way_minutes: float = 5.0
    """After so long without a request a photograph gives way to a new one where there is no room for both."""
    idle_minutes: float = 60.0
    """After so long without a request a photograph and its results are removed."""
    preview_pixels: int = 1_500_000
    """Of the part that is restored for a preview, without its margin."""
    preview_seconds: float = 30.0
    """A preview that takes longer is given up."""
    restorations: int = 2
    """Whole photographs restored at the same time; others wait their turn."""
    restoration_minutes: float = 120.0
    """A restoration that takes longer is ended."""
    estimations: int = 1
    """PSFs estimated at the same time; others wait their turn."""
    estimation_minutes: float = 10.0
    """An estimation that takes longer is ended."""
    estimated_side: int = 151
    """Longest side in pixels of a PSF that is estimated."""
    estimated_pixels: int = 1_000_000
    """Of the part that an estimation looks at."""
    psf_side: int = 513
    """Longest side of a PSF in pixels."""

    def __post_init__(self) -> None:
        """Refuse what would leave nothing to work with."""
        if self.megapixels < 1 or self.upload_megabytes < 1:
            raise ConfigError(
                f"at most {self.megapixels} megapixels and {self.upload_megabytes} MB were allowed, expected 1 or more"
            )

    @property
    def pixels(self) -> int:
        """Of one photograph."""
        return self.megapixels * MEGA

    @property
    def upload_bytes(self) -> int:
        """Of one file."""
        return self.upload_megabytes * MEGA
