"""The variety of photographs that the universal network learns from (its training distribution, as data)."""

from dataclasses import dataclass

from unblur.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Variety:
    """How the training patches differ; shares are of all patches, 0 to 1."""

    largest: int = 61
    """Longest side of a PSF in pixels, odd; a third of the batches hold PSFs up to a third of it, and so on."""
    psfs: int = 1024
    """Different PSFs of each of the three sizes, besides their eight symmetries. Drawn bit by bit while training."""
    wrong: float = 0.5
    """Share of the PSFs that the network is told a little wrongly, as measuring them would."""
    error: float = 0.5
    """Largest strength of that error, see ``unblur.psf.random.perturbed``."""
    noise: float = 0.05
    """Largest standard deviation of the Gaussian noise, white = 1; small noise is more frequent (a square law)."""
    photons: float = 0.25
    """Share with photon noise as well, 300 to 30,000 electrons at white."""
    grainy: float = 0.0
    """Share whose noise has a grain of up to 1.5 pixels, as demosaicing, scaling and denoising leave it."""
    jpeg: float = 0.5
    """Share compressed by JPEG."""
    quality: float = 40.0
    """Lowest JPEG quality; the highest is 100."""
    saturated: float = 0.5
    """Share that is exposed until the lights clip; the others keep gain 1."""
    lit: float = 0.3
    """Share in which what clips was brighter than white before the blur."""
    lights: float = 50.0
    """How much brighter at most, in linear light, drawn evenly in the logarithm."""
    linear: float = 0.5
    """Share of the patches of every batch whose blur holds in linear light; in the others in stored values."""
    grey: float = 0.3
    """Share of the batches that are grey."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        if self.largest < 15 or self.largest % 2 == 0:
            raise ConfigError(f"data.largest is {self.largest}, expected an odd number from 15")
        if self.psfs < 1:
            raise ConfigError(f"data.psfs is {self.psfs}, expected 1 or more")
        limits = {"error": 2.0, "noise": 1.0, "quality": 100.0, "lights": 100.0}
        least = {"quality": 1.0, "lights": 1.0}
        for name, field in self.__dataclass_fields__.items():
            if field.type is not float:
                continue
            low, high = least.get(name, 0.0), limits.get(name, 1.0)
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"data.{name} is {getattr(self, name)}, expected a number from {low:g} to {high:g}")
