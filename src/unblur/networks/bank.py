"""A bank of regularised inverses of one PSF whose regularisation is learned."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.fourier import gradient_power
from unblur.networks.light import LEVELS

PREFERRED = 1e-2
"""r of the inverse that an untrained network returns, at noise 0.01."""


class Bank(nn.Module):
    """Inverses of one PSF that differ in their regularisation ``r |G|²``, G the gradient.

    Args:
        members: inverses of the misfit itself; their r begin evenly spread in the logarithm from 1e-4 to 1e-1.
        features: inverses of the misfit seen through learned filters of 5 × 5.
    """

    def __init__(self, members: int, features: int) -> None:
        super().__init__()
        spread = torch.linspace(-4, -1, members) if members > 1 else torch.tensor([-2.0])
        self.members = members
        self.log_weights = nn.Parameter(
            torch.cat([spread, torch.full((features,), -2.0)]) * torch.log(torch.tensor(10))
        )
        # More noise, larger r; what JPEG's blocks mean for it is left to be learned, as in the rounds.
        self.slopes = nn.Parameter(torch.tensor([[0.5, 0.5] + [0.0] * (LEVELS - 2)]).repeat(members + features, 1))
        self.filters = nn.Parameter(torch.zeros(features, 5, 5))

    def preferred(self) -> int:
        """The member whose r is nearest to :data:`PREFERRED`."""
        return int((self.log_weights[: self.members].exp().log10() - torch.tensor(PREFERRED).log10()).abs().argmin())

    def strengths(self, levels: Tensor) -> Tensor:
        """The r of each inverse, ``(B, members + features)``, for noise of these levels, ``(B, 3)``."""
        return (self.log_weights + levels @ self.slopes.mT).clamp(-16, 3).exp()

    def forward(self, misfit: Tensor, transfer: Tensor, levels: Tensor, size: tuple[int, int]) -> Tensor:
        """Invert a misfit.

        Args:
            misfit: its spectrum, ``(B, C, H, W // 2 + 1)``.
            transfer: of the PSF, ``(B|1, 1, H, W // 2 + 1)``.
            levels: the noise, ``(B, 3)``, see :func:`unblur.networks.light.noise_levels`; more noise, larger r.
            size: height and width of the circular domain.

        Returns:
            ``(B, C, members + features, H, W)``.
        """
        weights = self.strengths(levels)
        prior = gradient_power(size, levels)
        response = transfer.conj() / (transfer.abs().square() + weights[:, :, None, None] * prior)
        if len(self.filters):
            filters = F.pad(self.filters, (0, size[1] - 5, 0, size[0] - 5)).roll((-2, -2), dims=(-2, -1))
            seen = torch.fft.rfft2(filters)
            response = torch.cat([response[:, : self.members], response[:, self.members :] * seen], dim=1)
        return torch.fft.irfft2(misfit[:, :, None] * response[:, None], s=size)
