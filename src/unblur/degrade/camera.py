"""The camera: gain, lights, blur, noise, clipping and storage, in this order."""

from dataclasses import dataclass
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.colour import SRGB, ToneCurve
from unblur.degrade.amount import Amount, per_picture
from unblur.degrade.blur import valid_blur, valid_frame
from unblur.degrade.clip import boosted, clipped
from unblur.degrade.jpeg import Subsampling, eight_bit, jpeg, libjpeg
from unblur.degrade.noise import gaussian, grained, poisson_gaussian
from unblur.errors import ConfigError
from unblur.psf.grid import PsfGrid
from unblur.tensors import Encoding, Image, Transfer


@dataclass(frozen=True, kw_only=True)
class Camera:
    """What turns a sharp picture into a photograph: ``y = J(clip(a · lights(x) ⊗ k + n))``.

    Gain, lights, noise and clipping act in the light of the blur; JPEG and 8-bit rounding act on stored values. The
    numbers of the model may be tensors ``(B,)``, one per picture of a batch. After Xu et al. (NIPS 2014), Eq. 1.
    """

    gain: Amount = 1.0
    """Exposure ``a``, a factor above 0; more drives more of the picture into white."""
    lights: Amount = 1.0
    """Factor, 1 or more, by which what reaches white (0.98) is brighter than white before the blur; 1 = not at all."""
    noise: Amount = 0.0
    """Standard deviation of the additive Gaussian noise on the [0, 1] scale; more is noisier."""
    peak: Amount | None = None
    """Electrons at white, for photon noise; more is less noisy. None, or infinity in a tensor: no photon noise."""
    grain: Amount = 0.0
    """Size of the noise's grain, 0 to 2: standard deviation in pixels of the Gaussian that smoothed it; 0 = white."""
    jpeg: Amount | None = None
    """JPEG quality, 1 to 100; lower is coarser. None, or infinity in a tensor: not compressed."""
    eight_bit: bool = False
    """Round to 256 stored values (JPEG does so anyway)."""
    transfer: Transfer = "encoded"
    """The light in which the blur holds: ``linear`` for a real camera, ``encoded`` for the papers' test sets."""
    encoding: Encoding = "srgb"
    """What the numbers of the pictures are. Only ``srgb`` pictures are decoded, and only for ``transfer="linear"``."""
    real_jpeg: bool = False
    """Compress with libjpeg itself, on the CPU and one picture after another; needs a single quality."""
    subsampling: Subsampling = "420"
    """Chroma resolution of JPEG: ``420`` halves it, ``444`` keeps it."""

    def __post_init__(self) -> None:
        _check_amount("gain", self.gain, above=0)
        _check_amount("lights", self.lights, least=1)
        _check_amount("noise", self.noise, least=0)
        if self.peak is not None:
            _check_amount("peak", self.peak, above=0, finite=False)
        _check_amount("grain", self.grain, least=0, largest=2)
        if self.jpeg is not None:
            _check_amount("jpeg", self.jpeg, least=1, largest=100, finite=not isinstance(self.jpeg, Tensor))
        _check_choice("transfer", self.transfer, get_args(Transfer))
        _check_choice("encoding", self.encoding, get_args(Encoding))
        _check_choice("subsampling", self.subsampling, get_args(Subsampling))
        if self.real_jpeg and isinstance(self.jpeg, Tensor):
            raise ConfigError("real_jpeg takes one quality for all pictures, got a tensor; leave real_jpeg off")

    def photograph(
        self,
        sharp: Image,
        psf: Tensor | PsfGrid,
        generator: torch.Generator | None = None,
        *,
        curve: ToneCurve = SRGB,
    ) -> tuple[Float[Tensor, "b c h2 w2"], Float[Tensor, "b c h2 w2"]]:
        """Take a blurred photograph of a sharp picture.

        Args:
            sharp: ``(B, C, H, W)`` stored values, 1 = white.
            psf: ``(kh, kw)``, or one per picture ``(B, kh, kw)``; odd sides, sum 1. Or a grid of PSFs, its places
                those of the frame that comes back.
            generator: needed by a camera with noise; the same seed gives the same photograph, bit for bit.
            curve: how ``srgb`` numbers are decoded, where their colour profile names another curve than sRGB's.

        Returns:
            The blurred photograph and its target ``clip(a · x)``, both in the input's encoding, in [0, 1] and
            ``(B, C, H - kh + 1, W - kw + 1)``: the frame whose light was wholly seen, pixel on pixel.

        Raises:
            PsfError: the PSF is larger than the picture.
            ImageError: JPEG of neither one nor three channels.
            ConfigError: noise without a generator, or settings for another number of pictures.
        """
        exposed = self._exposed(sharp, curve)
        target = self._stored(clipped(valid_frame(exposed, psf)), curve)
        blurred = self._noisy(valid_blur(boosted(exposed, self.lights), psf), generator)
        return self._compressed(self._stored(clipped(blurred), curve)), target

    def scene(self, sharp: Image) -> Image:
        """The light that is blurred, ``a · lights(x)``: in the light of the blur, not clipped, above 1 in lights."""
        return boosted(self._exposed(sharp, SRGB), self.lights)

    def _exposed(self, sharp: Image, curve: ToneCurve) -> Image:
        light = curve.decode(sharp) if self._decodes else sharp
        return light * per_picture(self.gain, sharp)

    def _noisy(self, image: Image, generator: torch.Generator | None) -> Image:
        silent = not isinstance(self.noise, Tensor) and self.noise == 0
        if silent and self.peak is None:
            return image
        if generator is None:
            raise ConfigError("this camera has noise but got no generator; pass a seeded torch.Generator")
        if self.peak is None:
            noisy = gaussian(image, self.noise, generator)
        else:
            noisy = poisson_gaussian(image, self.noise, self.peak, generator)
        if not isinstance(self.grain, Tensor) and self.grain == 0:
            return noisy
        return image + grained(noisy - image, self.grain)

    def _stored(self, image: Image, curve: ToneCurve) -> Image:
        return curve.encode(image) if self._decodes else image

    def _compressed(self, image: Image) -> Image:
        if self.jpeg is None:
            return eight_bit(image) if self.eight_bit else image
        if not isinstance(self.jpeg, Tensor):
            compress = libjpeg if self.real_jpeg else jpeg
            return compress(image, self.jpeg, subsampling=self.subsampling)
        plain = eight_bit(image) if self.eight_bit else image
        quality = per_picture(self.jpeg, image)
        return torch.where(torch.isfinite(quality), jpeg(image, self.jpeg, subsampling=self.subsampling), plain)

    @property
    def _decodes(self) -> bool:
        return self.encoding == "srgb" and self.transfer == "linear"


def _check_amount(
    name: str,
    amount: Amount,
    *,
    above: int | None = None,
    least: int | None = None,
    largest: int | None = None,
    finite: bool = True,
) -> None:
    """Refuse numbers out of their range, alone or in a tensor; ``finite=False`` allows positive infinity."""
    numbers = torch.as_tensor(amount).cpu().double()  # in this order: not every device has float64
    bad = torch.isnan(numbers) | (torch.isinf(numbers) & (finite | (numbers < 0)))
    expected = []
    if above is not None:
        bad |= numbers <= above
        expected.append(f"above {above}")
    if least is not None:
        bad |= numbers < least
        expected.append(f"{least} or more")
    if largest is not None:
        bad |= torch.isfinite(numbers) & (numbers > largest)
        expected.append(f"at most {largest}")
    if bool(bad.any()):
        worst = float(numbers[bad].flatten()[0])
        raise ConfigError(f"{name}: got {worst:g}, expected a number {' and '.join(expected)}")


def _check_choice(name: str, got: str, allowed: tuple[str, ...]) -> None:
    if got not in allowed:
        raise ConfigError(f"{name}: got {got!r}, expected one of {', '.join(allowed)}")
