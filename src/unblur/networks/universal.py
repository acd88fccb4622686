"""One network for every PSF: regularised inverses, clipped light filled in, and small U-Nets that judge the result.

The two halves of Xu et al. (2014), with the first made analytic, so that the PSF enters through mathematics. It begins
with estimates under a sparse prior, in closed forms after Krishnan and Fergus (2009). Every step re-blurs what is known
of the scene, puts that where the photograph clipped or ended, inverts the rest of the misfit with several
regularisations, and lets a U-Net choose among all these and correct. One step is a one-shot bank; filters in front of
the inverses are the idea of Dong et al. (2020), unrolled steps that of Zhang et al. (2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.errors import ConfigError
from unblur.networks.bank import Bank
from unblur.networks.facts import Facts, facts_of
from unblur.networks.light import BRIGHTEST, compress, expand
from unblur.networks.planes import Planes
from unblur.networks.splitting import PHASES, sparse_estimates
from unblur.networks.unet import STRIDE, UNet
from unblur.tensors import Image, Weight

PRESETS: dict[str, dict[str, int]] = {
    "universal": {"steps": 3, "members": 4, "sparse": 1, "width": 48, "middle": 80, "deep": 112},
    "universal-large": {
        "steps": 4,
        "members": 6,
        "sparse": 1,
        "width": 112,
        "middle": 112,
        "deep": 96,
        "blocks": 2,
        "shared": 1,
    },
}
"""Sizes by name: 176 k and 1.4 M multiply-adds per pixel in all steps, 2.8 M and 2.4 M weights."""
PIECE = (512, 1280)
"""Largest height and width of what the U-Nets see at once in a photograph that is restored, their reach not counted."""
WANTED, UNWANTED = 2.0, -1.0
"""Lead of the preferred inverse in the first step's untrained choice, and of the blurred picture itself."""
MUCH_WANTED = 4.0
"""Lead of sparse estimates, which are so much better than the inverses that a little of these spoils them."""


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
    sparse: int = 0
    """1: every step may choose estimates under a sparse prior, too, see :mod:`unblur.networks.splitting`."""
    shared: int = 0
    """1: all steps use one U-Net; 0: each has its own. The inverses' r are never shared."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name in ("steps", "members", "width", "middle", "deep", "blocks"):
            if getattr(self, name) < 1:
                raise ConfigError(f"sizes.{name} is {getattr(self, name)}, expected 1 or more")
        if self.features < 0:
            raise ConfigError(f"sizes.features is {self.features}, expected 0 or more")
        for name in ("sparse", "shared"):
            if getattr(self, name) not in (0, 1):
                raise ConfigError(f"sizes.{name} is {getattr(self, name)}, expected 0 or 1")

    @property
    def choices(self) -> int:
        """How many pictures a step mixes: what there is, its inverses, and the sparse estimates."""
        return 1 + self.members + self.sparse * len(PHASES)


class Universal(nn.Module):
    """Restores photographs of any PSF, with nothing to set: noise, clipped light and border are its own affair.

    Args:
        sizes: see :class:`Sizes`.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.banks = nn.ModuleList(Bank(sizes.members, sizes.features) for _ in range(sizes.steps))
        inputs = 3 * (sizes.choices + sizes.features + 3) + 2
        widths = (sizes.width, sizes.middle, sizes.deep)
        self.nets = nn.ModuleList(
            UNet(inputs, 3 + sizes.choices, widths, sizes.blocks) for _ in range(1 if sizes.shared else sizes.steps)
        )
        self.choice = nn.Parameter(torch.zeros(sizes.steps, sizes.choices))
        with torch.no_grad():  # No choice near certainty: a softmax that is sure learns nothing.
            self.choice[0, 0] = UNWANTED
            if sizes.sparse:
                self.choice[0, -len(PHASES) :] = MUCH_WANTED
                self.choice[1:, -len(PHASES) :] = UNWANTED
            else:
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
        facts = facts_of(blurred, psf, weight, noise)
        sparse = sparse_estimates(facts) if self.sizes.sparse else []
        found: list[Tensor] = []
        latent: Tensor | None = None
        for number in range(self.sizes.steps):
            latent = self._step(number, latent, sparse, facts)
            found.append(latent[..., facts.inside[0], facts.inside[1]])
        return found

    def _step(self, number: int, latent: Tensor | None, sparse: Sequence[Tensor], facts: Facts) -> Tensor:
        """A better estimate of the unclipped scene on the whole domain."""
        before = facts.picture if latent is None else latent
        observed, misfit = _misfit(latent, facts)
        inverses = self.banks[number](misfit, facts.transfer, facts.levels, facts.size)
        del misfit  # a large photograph is short of memory while the U-Nets work
        members, features = inverses.split([self.sizes.members, self.sizes.features], dim=2)
        usual = torch.softmax(self.choice[number], dim=0)
        around = usual[0] * before
        if latent is not None:
            around = around + usual[1 : 1 + self.sizes.members].sum() * latent
        for share, estimate in zip(usual[1:], [*members.unbind(dim=2), *sparse], strict=True):
            around = around + share * estimate
        around = around.clamp_max(BRIGHTEST)
        rows, columns = facts.region
        # All that is not linear happens where the U-Net looks: a wide PSF makes the domain several times as large.
        single = (observed, facts.white, facts.doubt)
        planes = Planes(before, members, latent, tuple(sparse), features, *single).at(rows, columns)
        judged = self._in_pieces(number, planes, facts.levels)
        height, width = facts.size
        around_it = (columns.start, width - columns.stop, rows.start, height - rows.stop)
        return around + F.pad(judged - around[..., rows, columns], around_it)

    def _in_pieces(self, number: int, planes: Planes, levels: Tensor) -> Tensor:
        """:meth:`_judged` on the whole region, at once while learning, else piece by piece with the same result.

        The U-Nets' many maps are what takes the memory, and unlike the inverses they do not reach far.
        """
        if torch.is_grad_enabled() and planes.members.requires_grad:
            return self._judged(number, planes, levels)
        reach: int = self.nets[number % len(self.nets)].reach  # type: ignore[assignment]
        judged = torch.empty_like(planes.observed)
        height, width = judged.shape[-2:]
        for (top, bottom), (left, right) in product(_spans(height, PIECE[0]), _spans(width, PIECE[1])):
            y, x = max(0, top - reach), max(0, left - reach)
            part = self._judged(number, planes.at(slice(y, bottom + reach), slice(x, right + reach)), levels)
            judged[..., top:bottom, left:right] = part[..., top - y : bottom - y, left - x : right - x]
        return judged

    def _judged(self, number: int, planes: Planes, levels: Tensor) -> Tensor:
        """The U-Net's mixture of the blurred picture or last estimate and the inverses, corrected."""
        choices = planes.choices()
        compressed, observed = compress(choices), compress(planes.observed)
        seen: list[Tensor] = []
        for plane in (0, 1, 2) if choices.shape[1] == 3 else (0, 0, 0):  # a grey picture is three equal planes
            single = (part[:, plane : plane + 1] for part in (observed, planes.white, planes.doubt))
            seen += [compressed[:, plane], planes.features[:, plane], *single]
        noise = levels[:, :, None, None].expand(-1, -1, *observed.shape[-2:])
        answer = self.nets[number % len(self.nets)](torch.cat([*seen, noise], dim=1)).to(observed.dtype)
        correction, scores = answer.split([3, self.sizes.choices], dim=1)
        if choices.shape[1] == 1:
            correction = correction.mean(dim=1, keepdim=True)
        shares = torch.softmax(self.choice[number][:, None, None] + scores, dim=1)
        mixed = (choices * shares[:, None]).sum(dim=2)
        return expand(compress(mixed) + correction)


def _misfit(latent: Tensor | None, facts: Facts) -> tuple[Tensor, Tensor]:
    """What would have been observed without clipping and beyond the frame; the spectrum of what is unexplained."""
    if latent is None:
        return facts.picture, torch.fft.rfft2(facts.picture)
    blurred = torch.fft.irfft2(torch.fft.rfft2(latent) * facts.transfer, s=facts.size)
    lit = torch.lerp(facts.picture, torch.maximum(facts.picture, blurred), facts.white)
    observed = torch.lerp(blurred, lit, facts.trust)
    return observed, torch.fft.rfft2(observed - blurred)


def _spans(length: int, largest: int) -> list[tuple[int, int]]:
    """A side in about equal pieces, all of whole cells, of about ``largest`` pixels at most."""
    count = -(-length // largest)
    edges = [length * number // count // STRIDE * STRIDE for number in range(count)] + [length]
    return list(pairwise(edges))


def sizes_of(values: dict[str, int]) -> Sizes:
    """Sizes from a recipe or a card; what is not named keeps its default.

    Raises:
        ConfigError: an unknown size or one out of range.
    """
    try:
        return Sizes(**values)
    except TypeError as error:
        raise ConfigError(f"the universal network knows no such size ({error}); see networks.universal.Sizes") from None
