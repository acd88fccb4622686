"""A multi-layer perceptron that repairs what direct deconvolution leaves, for one PSF and noise level."""

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unblur.errors import ConfigError
from unblur.fourier import Blur, gradient_power
from unblur.networks.patchwise import gaussian_window, patches_of, patchwise, wrapped
from unblur.tensors import Image, Psf

_CONTRAST = 4.0
"""Patches, their mean taken out, are multiplied by this: photographs then fill the bend of tanh."""


class MLP(nn.Module):
    """Regularised inversion in the Fourier domain, then patches through a perceptron, averaged under a Gaussian window.

    The authors' network sees 39 × 39 pixels and gives 13 × 13 through four hidden layers of 2047; it learned for two
    weeks on a GPU. As here the network is small, it gives the correction of the inverted patch instead of the patch.

    Args:
        inside: side of what a patch sees, in pixels, odd.
        outside: side of what it restores, odd.
        width: units in each hidden layer.
        depth: hidden layers.
        stride: from patch to patch when a picture is restored; smaller averages more, and is slower.
    """

    def __init__(
        self, *, inside: int = 39, outside: int = 13, width: int = 256, depth: int = 3, stride: int = 3
    ) -> None:
        super().__init__()
        if not 1 <= outside <= inside or inside % 2 == 0 or outside % 2 == 0:
            raise ConfigError(f"patches of {inside} to {outside} pixels, expected odd sides that do not grow")
        if width < 1 or depth < 1 or not 1 <= stride <= outside:
            raise ConfigError(
                f"got {depth} layers of {width} units at stride {stride}, expected at least one of each "
                f"and a stride of at most {outside}, so that no pixel is left out"
            )
        self.inside, self.outside, self.stride = inside, outside, stride
        sizes = [inside**2] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(i, o) for i, o in itertools.pairwise(sizes))
        self.last = nn.Linear(width, outside**2)
        self.log_strength = nn.Buffer(torch.tensor(0.0))
        """Natural logarithm of the strength of the inversion's gradient prior; chosen before training."""

    def inverted(self, blurred: Image, psf: Psf) -> Image:
        """``F⁻¹(conj(F(k)) F(y) / (|F(k)|² + r |F(∇)|²))``, circular; the paper's Eq. 3."""
        blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
        power = gradient_power(blur.size, blurred)
        strength = self.log_strength.to(blurred).exp()
        return blur.filter(blurred, blur.otf.conj() / (blur.otf.abs().square() + strength * power))

    def repaired(self, patches: Float[Tensor, "n i"]) -> Float[Tensor, "n o"]:
        """Inverted patches ``(N, inside²)`` to sharp ones ``(N, outside²)``."""
        mean = patches.mean(dim=1, keepdim=True)
        x = (patches - mean) * _CONTRAST
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        rim = (self.inside - self.outside) // 2
        centre = patches.unflatten(1, (self.inside, self.inside))[:, rim : rim + self.outside, rim : rim + self.outside]
        return centre.flatten(1) + self.last(x) / _CONTRAST

    def training_patches(self, image: Image, side: int, stride: int) -> Tensor:
        """Patches of ``side`` about the centres of those that the network sees, ``(N, side²)``."""
        rim = (self.inside - side) // 2
        inner = image[..., rim : image.shape[-2] - rim, rim : image.shape[-1] - rim]
        return patches_of(inner.flatten(0, 1)[:, None], side, stride)

    def forward(self, blurred: Image, psf: Psf, weight: Float[Tensor, "#b #c h w"]) -> Image:
        """Restore a circular picture; pixels of weight 0 are replaced by the blur of a first inversion."""
        first = self.inverted(blurred, psf)
        blur = Blur(psf, (blurred.shape[-2], blurred.shape[-1]))
        image = self.inverted(torch.lerp(blur(first), blurred, weight.expand_as(blurred)), psf)
        b, c, h, w = image.shape
        before = (self.inside + self.outside) // 2 - 1  # every pixel then lies in as many patches as any other
        after = before + self.stride - 1
        planes = wrapped(image.reshape(b * c, 1, h, w), before, after)
        window = gaussian_window(self.outside, like=image)
        restored = patchwise(self.repaired, planes, inside=self.inside, window=window, stride=self.stride)
        start = before - (self.inside - self.outside) // 2
        return restored[..., start : start + h, start : start + w].reshape(b, c, h, w)

    @torch.no_grad()
    def start(self, generator: torch.Generator, *, strength: float) -> None:
        """Random hidden layers after Glorot and Bengio (2010); the last gives zero: training begins at the inversion.

        Args:
            generator: source of the weights.
            strength: of the gradient prior in the inversion, above 0; larger is smoother.
        """
        for layer in self.hidden:
            weight = layer.get_parameter("weight")
            bound = (6 / sum(weight.shape)) ** 0.5
            draw = torch.rand(weight.shape, generator=generator, device=generator.device)
            weight.copy_(((2 * draw - 1) * bound).to(weight))
            layer.get_parameter("bias").zero_()
        self.last.weight.zero_()
        self.last.bias.zero_()
        self.log_strength.fill_(strength).log_()
