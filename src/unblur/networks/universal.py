"""One network for every PSF: regularised inverses, clipped light filled in, and small U-Nets that judge the result.

The two halves of Xu et al. (2014), with the first made analytic, so that the PSF enters through mathematics. It begins
with estimates under a learned sparse prior (Schmidt and Roth 2014; Kruse et al. 2017). Every step re-blurs what is
known of the scene, puts that where the photograph clipped or ended, inverts the rest of the misfit with several
regularisations, and lets a U-Net choose among all these and correct. One step is a one-shot bank; filters in front of
the inverses are the idea of Dong et al. (2020), unrolled steps that of Zhang et al. (2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.boundary import Arc, filled
from unblur.errors import ConfigError
from unblur.networks.bank import Bank
from unblur.networks.facts import Facts, check, facts_of, misfit_of, room_for
from unblur.networks.light import BRIGHTEST, LEVELS, compress, expand, noise_levels, weakened
from unblur.networks.photograph import light_in
from unblur.networks.rounds import PHASES, SparseRounds
from unblur.networks.splitting import sparse_estimates
from unblur.networks.stage import Planes, Stage
from unblur.networks.unet import UNet
from unblur.networks.whole import Whole, portion
from unblur.orientation import ORIENTATIONS
from unblur.tensors import Image, Report, Weight

PRESETS: dict[str, dict[str, int]] = {
    "universal": {"steps": 1, "members": 4, "sparse": 1, "width": 80, "middle": 112, "deep": 128},
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
"""Sizes by name, the second for machines with a GPU."""
VIEWS = (1, 2, 4, 8)
"""Numbers of orientations that are closed under being applied again."""
COLOURS = 3
"""The U-Nets see all colours together; what is done for each alone counts so often."""
WANTED, UNWANTED = 2.0, -1.0
"""Lead of the preferred inverse in the first step's untrained choice, and of the blurred picture itself."""
MUCH_WANTED = 4.0
"""Lead of a sparse estimate to go on from: so much better than the inverses that a little of these spoils it."""


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
    """1: the first step goes on from an estimate under a sparse prior, and all may choose such; see
    :mod:`unblur.networks.splitting`."""
    guide: int = 24
    """Maps of the small networks that correct the sparse prior's guides, at half resolution."""
    kinds: int = 0
    """1: all is learned for each kind of noise; see :func:`unblur.networks.kinds.universal_network`."""
    shared: int = 0
    """1: all steps use one U-Net; 0: each has its own. The inverses' r are never shared."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name in ("steps", "members", "width", "middle", "deep", "blocks", "guide"):
            if getattr(self, name) < 1:
                raise ConfigError(f"sizes.{name} is {getattr(self, name)}, expected 1 or more")
        if self.features < 0:
            raise ConfigError(f"sizes.features is {self.features}, expected 0 or more")
        for name in ("sparse", "kinds", "shared"):
            if getattr(self, name) not in (0, 1):
                raise ConfigError(f"sizes.{name} is {getattr(self, name)}, expected 0 or 1")

    @property
    def choices(self) -> int:
        """How many pictures a step mixes: what there is, its inverses, and the sparse estimates."""
        return 1 + self.members + self.sparse * len(PHASES)

    @property
    def inputs(self) -> int:
        """Planes that a U-Net sees: of each colour the choices, the responses and three more; and the noise."""
        return COLOURS * (self.choices + self.features + 3) + LEVELS


class Universal(nn.Module):
    """Restores photographs of any PSF, with nothing to set: noise, clipped light and border are its own affair.

    Args:
        sizes: see :class:`Sizes`.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.rounds = SparseRounds(sizes.guide) if sizes.sparse else None
        self.banks = nn.ModuleList(Bank(sizes.members, sizes.features) for _ in range(sizes.steps))
        widths = (sizes.width, sizes.middle, sizes.deep)
        self.nets = nn.ModuleList(
            UNet(sizes.inputs, 3 + sizes.choices, widths, sizes.blocks)
            for _ in range(1 if sizes.shared else sizes.steps)
        )
        self.choice = nn.Parameter(torch.zeros(sizes.steps, sizes.choices))
        with torch.no_grad():  # No choice near certainty: a softmax that is sure learns nothing.
            if sizes.sparse:
                self.choice[:, 0] = MUCH_WANTED
                self.choice[:, -len(PHASES) :] = UNWANTED
            else:
                self.choice[0, 0] = UNWANTED
                self.choice[0, 1 + self.banks[0].preferred()] = WANTED  # type: ignore[operator]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all convolutions per pixel, over all steps; the FFTs are not counted."""
        nets = sum(self.nets[number % len(self.nets)].multiply_adds for number in range(self.sizes.steps))  # type: ignore[misc]
        return round(nets) + self.multiply_adds_of_rounds

    @property
    def multiply_adds_of_rounds(self) -> int:
        """Those of the rounds alone, over all colours."""
        return round(COLOURS * self.rounds.multiply_adds) if self.rounds else 0

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Draw the starting weights; the network is then one regularised inverse."""
        for net in self.nets:
            net.start(generator)  # type: ignore[operator]
        if self.rounds:
            self.rounds.start(generator)
        for bank in self.banks:
            drawn = torch.randn(bank.filters.shape, generator=generator)  # type: ignore[arg-type]
            drawn[:, 2, 2] += 1.0
            bank.filters.copy_(drawn / 5)  # type: ignore[operator]

    def forward(
        self,
        blurred: Tensor,
        psf: Tensor,
        *,
        weight: Weight | None = None,
        noise: Tensor | None = None,
        strength: float = 1.0,
        views: int = 1,
        table: Tensor | None = None,
        place: tuple[Arc, Arc] | None = None,
        report: Report | None = None,
        rounds: SparseRounds | None = None,
    ) -> Tensor:
        """Restore photographs, borders included: with little memory, unless gradients are wanted.

        A PSF that is one point in its middle blurred nothing, and gives the photograph back as it is; with gradients
        it is a PSF as all others, so that one may begin there.

        Args:
            blurred: ``(B, C, H, W)`` in the light of the blur, grey or colour; or integers, see ``table``.
            psf: ``(kh, kw)``, or one for each photograph ``(B, kh, kw)``; odd sides, of any size.
            weight: 1 = trust, 0 = ignore.
            noise: levels ``(B, 3)`` from :func:`unblur.networks.light.noise_levels` of the whole picture, when
                ``blurred`` is a part of it.
            strength: the noise counts as so many times weaker; more is sharper and noisier, less calmer and softer.
            views: one of :data:`VIEWS`; the mean over so many orientations of the photograph.
            table: the light of every integer in each plane, ``(C, n)``; a stored photograph takes a quarter of the
                memory of its light.
            place: of ``blurred`` along height and width where it is a piece of a photograph that was extended already;
                ``weight`` is then 0 beyond the photograph's frame, and what it ignores is filled already. Only what
                the place wants of the piece is restored as well as can be.
            report: told the share of the work done, unless gradients are wanted; may raise ``Cancelled``.
            rounds: to begin with, in place of its own.

        Returns:
            The scene as it would be without clipping, ``(B, C, H, W)``: lights are above 1.

        Raises:
            ImageError: neither grey nor colour.
            PsfError: a PSF that is none, or not as many as there are photographs.
        """
        check(blurred, psf)
        if noise is None:  # measured as the photograph lies: JPEG's blocks begin at its first pixel
            noise = noise_levels(light_in(blurred, table), weight=weight)
        noise, rounds = weakened(noise, strength), rounds or self.rounds
        if views == 1:
            return self._restored(blurred, psf, weight, noise, table, place, report, rounds)
        seen = (
            view.back(
                self._restored(
                    view.of(blurred),
                    view.of(psf),
                    None if weight is None else view.of(weight),
                    noise,
                    table,
                    None if place is None else view.place(place),
                    portion(report, number / views, (number + 1) / views),
                    rounds,
                )
            )
            for number, view in enumerate(ORIENTATIONS[:views])
        )
        return reduce(torch.add, seen) / views

    def _restored(
        self,
        blurred: Tensor,
        psf: Tensor,
        weight: Weight | None,
        noise: Tensor,
        table: Tensor | None,
        place: tuple[Arc, Arc] | None,
        report: Report | None,
        rounds: SparseRounds | None,
    ) -> Tensor:
        """:meth:`forward`, from one side."""
        if torch.is_grad_enabled() and any(t.requires_grad for t in (blurred, psf, *self.parameters())):
            return self.estimates(light_in(blurred, table), psf, weight=weight, noise=noise, rounds=rounds)[-1]
        like = blurred if table is None else table
        restored: list[Tensor] = []
        for number, picture in enumerate(blurred):
            levels = noise[number : number + 1].to(like)
            kernel = (psf if psf.ndim == 2 else psf[number]).to(like)
            trust = None if weight is None else weight[number % len(weight)]
            if _is_point(kernel):
                restored.append(_as_it_is(picture, kernel, trust, table, place))
                continue
            tell = portion(report, number / len(blurred), (number + 1) / len(blurred))
            stages = [self._stage(step, levels) for step in range(self.sizes.steps)]
            whole = Whole(picture, kernel, trust, levels, table, stages, place=place, rounds=rounds, report=tell)
            restored.append(whole.restored())
        return restored[0][None] if len(restored) == 1 else torch.stack(restored)

    def sparse(self, facts: Facts, rounds: SparseRounds | None = None) -> list[Tensor]:
        """The estimates under a sparse prior, on the whole domain, if the network begins with such; by other rounds."""
        rounds = rounds or self.rounds
        return sparse_estimates(facts, rounds) if rounds else []

    def estimates(
        self,
        blurred: Image,
        psf: Tensor,
        *,
        weight: Weight | None = None,
        noise: Tensor | None = None,
        sparse: Sequence[Tensor] | None = None,
        rounds: SparseRounds | None = None,
    ) -> list[Tensor]:
        """What each step makes of the photographs, the last one last; arguments as for :meth:`forward`.

        ``sparse`` are the estimates of the rounds on the extended domain, if they are known already; ``rounds`` take
        the place of its own.
        """
        facts = facts_of(blurred, psf, weight, noise)
        if sparse is None:
            sparse = self.sparse(facts, rounds)
        found: list[Tensor] = []
        latent = sparse[-1].clamp_max(BRIGHTEST) if sparse else None
        for number in range(self.sizes.steps):
            latent = self._step(number, latent, sparse, facts)
            found.append(latent[..., facts.inside[0], facts.inside[1]])
        return found

    def _stage(self, number: int, levels: Tensor) -> Stage:
        """One step for :class:`unblur.networks.whole.Whole`."""
        return Stage(
            bank=self.banks[number],  # type: ignore[arg-type]
            usual=torch.softmax(self.choice[number], dim=0),
            judged=lambda planes: self._judged(number, planes, levels),
            reach=self.nets[number % len(self.nets)].reach,  # type: ignore[arg-type]
        )

    def _step(self, number: int, latent: Tensor | None, sparse: Sequence[Tensor], facts: Facts) -> Tensor:
        """A better estimate of the unclipped scene on the whole domain."""
        before = facts.picture if latent is None else latent
        observed, misfit = misfit_of(latent, facts)
        inverses = self.banks[number](misfit, facts.transfer, facts.levels, facts.size)
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
        judged = self._judged(number, planes, facts.levels)
        height, width = facts.size
        around_it = (columns.start, width - columns.stop, rows.start, height - rows.stop)
        return around + F.pad(judged - around[..., rows, columns], around_it)

    def _judged(self, number: int, planes: Planes, levels: Tensor) -> Tensor:
        """The U-Net's mixture of what may be chosen, see :meth:`Planes.choices`, corrected."""
        choices = planes.choices()
        dtype = choices.dtype
        if not torch.is_grad_enabled() and torch.is_autocast_enabled(choices.device.type):
            # What the first convolution would do by itself, but before there are copies.
            dtype = torch.get_autocast_dtype(choices.device.type)
        colours: list[list[Tensor]] = []
        for plane, several in enumerate(choices.unbind(dim=1)):
            observed, white, doubt = (p[:, plane : plane + 1] for p in (planes.observed, planes.white, planes.doubt))
            parts = (compress(several), planes.features[:, plane], compress(observed), white, doubt)
            colours.append([part.to(dtype) for part in parts])
        noise = levels.to(dtype)[:, :, None, None].expand(-1, -1, *choices.shape[-2:])
        if len(colours) == 1:  # a grey picture is three equal planes
            colours *= COLOURS
        seen = torch.cat([*(part for colour in colours for part in colour), noise], dim=1)
        del colours, parts
        answer = self.nets[number % len(self.nets)](seen).to(choices.dtype)
        correction, scores = answer.split([3, self.sizes.choices], dim=1)
        if choices.shape[1] == 1:
            correction = correction.mean(dim=1, keepdim=True)
        shares = torch.softmax(self.choice[number][:, None, None] + scores, dim=1)
        mixed = (choices * shares[:, None]).sum(dim=2)
        return expand(compress(mixed) + correction)


def _is_point(psf: Tensor) -> bool:
    """Whether a PSF ``(kh, kw)`` is one point in its middle, which blurs nothing."""
    kh, kw = psf.shape
    return bool(psf[kh // 2, kw // 2] != 0) and int(psf.count_nonzero()) == 1


def _as_it_is(
    picture: Tensor, psf: Tensor, weight: Tensor | None, table: Tensor | None, place: tuple[Arc, Arc] | None
) -> Tensor:
    """The light of a photograph that nothing blurred; what its weight ignores is filled, unless it is already."""
    light = light_in(picture[None], table)
    if weight is not None and place is None:
        light = filled(light, weight[None], room_for(psf))
    return light[0]


def sizes_of(values: dict[str, int]) -> Sizes:
    """Sizes from a recipe or a card; what is not named keeps its default.

    Raises:
        ConfigError: an unknown size or one out of range.
    """
    try:
        return Sizes(**values)
    except TypeError as error:
        raise ConfigError(f"the universal network knows no such size ({error}); see networks.universal.Sizes") from None
