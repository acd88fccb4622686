"""One network for every PSF: regularised inverses, clipped light filled in, and small U-Nets that judge the result.

The two halves of Xu et al. (2014), with the first made analytic, so that the PSF enters through mathematics. Every
step re-blurs what is known of the scene, puts that where the photograph clipped or ended, inverts the rest of the
misfit with several regularisations, and lets a U-Net choose among them and correct. One step is a one-shot bank;
filters in front of the inverses are the idea of Dong et al. (2020), unrolled steps that of Zhang et al. (2020).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.boundary import Inside, extended, extended_weight, filled
from unblur.errors import ConfigError, ImageError, PsfError
from unblur.networks.bank import Bank
from unblur.networks.light import BRIGHTEST, compress, expand, noise_levels, whiteness
from unblur.networks.unet import STRIDE, UNet
from unblur.tensors import Image, Weight

PRESETS: dict[str, dict[str, int]] = {
    "universal": {"steps": 3, "members": 4, "width": 48, "middle": 80, "deep": 112},
    "universal-large": {"steps": 4, "members": 6, "width": 112, "middle": 112, "deep": 96, "blocks": 2, "shared": 1},
}
"""Sizes by name: 176 k and 1.4 M multiply-adds per pixel in all steps, 2.8 M and 2.4 M weights."""
RING = 8
"""Pixels around the photograph that the U-Nets see and estimate too, before a side is rounded up to a whole cell."""
ROOM = 2 * RING + 1
"""The extended domain leaves room for at least a PSF of this side, and so for the ring."""
WANTED, UNWANTED = 2.0, -1.0
"""Lead of the preferred inverse in the first step's untrained choice, and of the blurred picture itself."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Every size of the network; all variants are settings of these."""

    steps: int = 3
    """Unrolled steps, 1 or more; 1 is a one-shot bank of inverses that fills in no clipped light."""
    members: int = 4
    """Inverses of each step, each with its own learned r."""
    features: int = 0
    """Learned filters per colour plane whose responses are inverted too, each with its own r; 0 for none."""
    width: int = 48
    """Maps at half resolution; most of the cost grows with its square."""
    middle: int = 80
    """Maps at a quarter of the resolution."""
    deep: int = 112
    """Maps at an eighth of the resolution."""
    blocks: int = 1
    """Residual blocks on the way down, and as many on the way up, at either fine level; twice as many at the bottom."""
    shared: int = 0
    """1: all steps use one U-Net; 0: each has its own. The inverses' r are never shared."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name in ("steps", "members", "width", "middle", "deep", "blocks"):
            if getattr(self, name) < 1:
                raise ConfigError(f"sizes.{name} is {getattr(self, name)}, expected 1 or more")
        if self.features < 0 or self.shared not in (0, 1):
            raise ConfigError(f"features is {self.features}, shared {self.shared}; expected 0 or more, and 0 or 1")


@dataclass(frozen=True)
class Facts:
    """What stays the same over all steps: all on the extended domain, ``(B, C, H, W)`` unless said."""

    picture: Tensor
    trust: Tensor
    """1 on the photograph, 0 outside and where it must be ignored."""
    white: Tensor
    """1 where the photograph is clipped, 0 where it is not."""
    doubt: Tensor
    """Share of a pixel's light that fell where the photograph is clipped, ignored or ends."""
    transfer: Tensor
    """Of the PSF, ``(B|1, 1, H, W // 2 + 1)``."""
    levels: Tensor
    """Noise, ``(B, 2)``."""
    size: tuple[int, int]
    inside: Inside

    @property
    def region(self) -> Inside:
        """The photograph with its ring, sides in whole cells of the U-Nets."""
        sides = []
        for part in self.inside:
            length = part.stop - part.start + 2 * RING
            sides.append(slice(part.start - RING, part.start - RING + length + -length % STRIDE))
        return sides[0], sides[1]


class Universal(nn.Module):
    """Restores photographs of any PSF, with nothing to set: noise, clipped light and border are its own affair.

    Args:
        sizes: see :class:`Sizes`.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.banks = nn.ModuleList(Bank(sizes.members, sizes.features) for _ in range(sizes.steps))
        inputs = 3 * (sizes.members + sizes.features + 4) + 2
        widths = (sizes.width, sizes.middle, sizes.deep)
        self.nets = nn.ModuleList(
            UNet(inputs, 3 + sizes.members + 1, widths, sizes.blocks) for _ in range(1 if sizes.shared else sizes.steps)
        )
        self.choice = nn.Parameter(torch.zeros(sizes.steps, sizes.members + 1))
        with torch.no_grad():  # No choice near certainty: a softmax that is sure learns nothing.
            self.choice[0, 0] = UNWANTED
            self.choice[0, 1 + self.banks[0].preferred()] = WANTED  # type: ignore[operator]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all convolutions per pixel, over all steps; the FFTs are not counted."""
        return round(sum(self.nets[number % len(self.nets)].multiply_adds for number in range(self.sizes.steps)))  # type: ignore[misc]

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Draw the starting weights; the network is then one regularised inverse."""
        for net in self.nets:
            net.start(generator)  # type: ignore[operator]
        for bank in self.banks:
            drawn = torch.randn(bank.filters.shape, generator=generator)  # type: ignore[arg-type]
            drawn[:, 2, 2] += 1.0
            bank.filters.copy_(drawn / 5)  # type: ignore[operator]

    def forward(
        self, blurred: Image, psf: Tensor, *, weight: Weight | None = None, noise: Tensor | None = None
    ) -> Image:
        """Restore photographs, borders included.

        Args:
            blurred: in the light of the blur, grey or colour.
            psf: ``(kh, kw)``, or one for each photograph ``(B, kh, kw)``; odd sides, of any size.
            weight: 1 = trust, 0 = ignore.
            noise: levels ``(B, 2)`` from :func:`unblur.networks.light.noise_levels` of the whole picture, when
                ``blurred`` is a tile of it.

        Returns:
            The scene as it would be without clipping: lights are above 1.

        Raises:
            ImageError: neither grey nor colour.
            PsfError: a PSF that is none, or not as many as there are photographs.
        """
        return self.estimates(blurred, psf, weight=weight, noise=noise)[-1]

    def estimates(
        self, blurred: Image, psf: Tensor, *, weight: Weight | None = None, noise: Tensor | None = None
    ) -> list[Tensor]:
        """What each step makes of the photographs, the last one last; arguments as for :meth:`forward`."""
        facts = _facts(blurred, psf, weight, noise)
        found: list[Tensor] = []
        latent: Tensor | None = None
        for number in range(self.sizes.steps):
            latent = self._step(number, latent, facts)
            found.append(latent[..., facts.inside[0], facts.inside[1]])
        return found

    def _step(self, number: int, latent: Tensor | None, facts: Facts) -> Tensor:
        """A better estimate of the unclipped scene on the whole domain."""
        observed, before = facts.picture, facts.picture
        misfit = torch.fft.rfft2(observed)
        if latent is not None:
            before = latent
            blurred = torch.fft.irfft2(torch.fft.rfft2(latent) * facts.transfer, s=facts.size)
            lit = torch.lerp(facts.picture, torch.maximum(facts.picture, blurred), facts.white)
            observed = torch.lerp(blurred, lit, facts.trust)
            misfit = torch.fft.rfft2(observed - blurred)
        inverses = self.banks[number](misfit, facts.transfer, facts.levels, facts.size)
        members, features = inverses.split([self.sizes.members, self.sizes.features], dim=2)
        usual = torch.softmax(self.choice[number], dim=0)
        around = usual[0] * before + (members * usual[1:, None, None]).sum(dim=2)
        if latent is not None:
            around = around + (1 - usual[0]) * latent
        around = around.clamp_max(BRIGHTEST)
        rows, columns = facts.region
        # All that is not linear happens where the U-Net looks: a wide PSF makes the domain several times as large.
        near = members[..., rows, columns]
        if latent is not None:
            near = near + latent[:, :, None, rows, columns]
        choices = torch.cat([before[:, :, None, rows, columns], near], dim=2)
        judged = self._judged(number, choices, features[..., rows, columns], observed[..., rows, columns], facts)
        height, width = facts.size
        around_it = (columns.start, width - columns.stop, rows.start, height - rows.stop)
        return around + F.pad(judged - around[..., rows, columns], around_it)

    def _judged(self, number: int, choices: Tensor, features: Tensor, observed: Tensor, facts: Facts) -> Tensor:
        """The U-Net's mixture of the choices ``(B, C, members + 1, h, w)`` on its region, corrected."""
        rows, columns = facts.region
        white, doubt = facts.white[..., rows, columns], facts.doubt[..., rows, columns]
        own = [plane[:, :, None] for plane in (compress(observed), white, doubt)]
        planes = torch.cat([compress(choices), features, *own], dim=2)
        planes = planes.expand(-1, 3, -1, -1, -1).flatten(1, 2)  # a grey picture is three equal planes
        noise = facts.levels[:, :, None, None].expand(-1, -1, *planes.shape[-2:])
        answer = self.nets[number % len(self.nets)](torch.cat([planes, noise], dim=1)).to(planes.dtype)
        correction, scores = answer.split([3, self.sizes.members + 1], dim=1)
        if choices.shape[1] == 1:
            correction = correction.mean(dim=1, keepdim=True)
        shares = torch.softmax(self.choice[number][:, None, None] + scores, dim=1)
        mixed = (choices * shares[:, None]).sum(dim=2)
        return expand(compress(mixed) + correction)


def _facts(blurred: Image, psf: Tensor, weight: Tensor | None, noise: Tensor | None) -> Facts:
    """Extend the photographs and gather what all steps need."""
    if blurred.shape[1] not in (1, 3):
        raise ImageError(f"the picture has {blurred.shape[1]} planes, expected 1 or 3; restore them one by one")
    if psf.ndim not in (2, 3) or (psf.ndim == 3 and len(psf) != len(blurred)):
        shape, count = tuple(psf.shape), len(blurred)
        raise PsfError(f"the PSF has the shape {shape}, expected (kh, kw) or ({count}, kh, kw) for {count} pictures")
    kernels = psf.to(blurred).reshape(-1, *psf.shape[-2:])
    kh, kw = kernels.shape[-2:]
    room = kernels.new_zeros(max(kh, ROOM), max(kw, ROOM))
    picture, frame, inside = extended(blurred if weight is None else filled(blurred, weight, room), room)
    trust = extended_weight(weight, frame, inside).expand_as(picture)
    size = (picture.shape[-2], picture.shape[-1])
    placed = F.pad(kernels, (0, size[1] - kw, 0, size[0] - kh)).roll((-(kh // 2), -(kw // 2)), dims=(-2, -1))
    transfer = torch.fft.rfft2(placed)[:, None]
    white = whiteness(picture)
    doubt = torch.fft.irfft2(torch.fft.rfft2(1 - trust * (1 - white)) * transfer.conj(), s=size)
    levels = noise_levels(blurred, weight=weight) if noise is None else noise.to(blurred)
    return Facts(picture, trust, white, doubt, transfer, levels, size, inside)


def sizes_of(values: dict[str, int]) -> Sizes:
    """Sizes from a recipe or a card; what is not named keeps its default.

    Raises:
        ConfigError: an unknown size or one out of range.
    """
    try:
        return Sizes(**values)
    except TypeError as error:
        raise ConfigError(f"the universal network knows no such size ({error}); see networks.universal.Sizes") from None
