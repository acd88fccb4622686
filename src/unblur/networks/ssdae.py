"""A stacked sparse denoising autoencoder, which is asked to deconvolve: blurred patches in, sharp patches out."""

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unblur.errors import ConfigError
from unblur.networks.patchwise import patchwise
from unblur.tensors import Image


class SSDAE(nn.Module):
    """Two sigmoid encoders and their decoders on square patches; overlapping patches are averaged evenly.

    Xie et al. made it for noise, where a clean pixel is to be found where the noisy one is. Xu et al. (2014), Fig. 2,
    show that it fails at blur, whose traces reach farther than a patch. Sizes of the paper's comparison: 17 × 17.

    Args:
        side: of the patches, in pixels, odd.
        width: units in each hidden layer.
        depth: autoencoders stacked on each other.
        stride: from patch to patch when a picture is restored; smaller averages more, and is slower.
    """

    rim = 0

    def __init__(self, *, side: int = 17, width: int = 384, depth: int = 2, stride: int = 2) -> None:
        super().__init__()
        if side < 1 or side % 2 == 0 or width < 1 or depth < 1 or not 1 <= stride <= side:
            raise ConfigError(
                f"got {depth} layers of {width} units on patches of {side} pixels at stride {stride}, expected at "
                "least one of each, an odd side and a stride within it"
            )
        self.side, self.stride = side, stride
        self.margin = side + stride - 2
        sizes = [side**2] + [width] * depth
        self.encoders = nn.ModuleList(nn.Linear(i, o) for i, o in itertools.pairwise(sizes))
        self.decoders = nn.ModuleList(nn.Linear(o, i) for i, o in itertools.pairwise(sizes))

    def encoded(self, patches: Float[Tensor, "n i"], depth: int) -> Float[Tensor, "n o"]:
        """What the first ``depth`` encoders make of patches; 0 leaves them as they are."""
        for encoder in list(self.encoders)[:depth]:
            patches = torch.sigmoid(encoder(patches))
        return patches

    def restored(self, patches: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Patches up through all encoders and down through all decoders."""
        hidden = self.encoded(patches, len(self.encoders))
        for decoder in reversed(list(self.decoders)):
            hidden = torch.sigmoid(decoder(hidden))
        return hidden

    def layer_loss(
        self, layer: int, blurred: Float[Tensor, "n d"], sharp: Float[Tensor, "n d"], *, sparsity: float, target: float
    ) -> Tensor:
        """What one autoencoder is pretrained on: to make of the blurred patch what lies below it of the sharp one.

        Args:
            layer: 0 is the lowest; those below it are used as they are.
            blurred: patches.
            sharp: the same patches of the sharp picture.
            sparsity: factor of the Kullback-Leibler term; larger keeps more units silent.
            target: mean activity wanted of each unit, between 0 and 1.

        Returns:
            ``½ |decoded - wanted|²`` a patch, and ``sparsity · Σ KL(target ‖ mean activity)`` over the layer's units.
        """
        with torch.no_grad():
            below, wanted = self.encoded(blurred, layer), self.encoded(sharp, layer)
        active = torch.sigmoid(self.encoders[layer](below))
        decoded = torch.sigmoid(self.decoders[layer](active))
        return half_square(decoded, wanted) + sparsity * divergence(active.mean(0), target)

    def loss(self, blurred: Float[Tensor, "n d"], sharp: Float[Tensor, "n d"]) -> Tensor:
        """What the whole stack is tuned on: half the squared error of a patch."""
        return half_square(self.restored(blurred), sharp)

    def forward(self, blurred: Image) -> Tensor:
        """Each side shrinks by ``2 · margin``: what remains lies in as many patches as the stride allows."""
        b, c, h, w = blurred.shape
        planes = blurred.reshape(b * c, 1, h, w)
        window = blurred.new_ones(self.side, self.side)
        restored = patchwise(self.restored, planes, inside=self.side, window=window, stride=self.stride)
        return restored[..., self.margin : h - self.margin, self.margin : w - self.margin].reshape(
            b, c, h - 2 * self.margin, w - 2 * self.margin
        )

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Random weights after Glorot and Bengio (2010), biases zero."""
        for layer in (*self.encoders, *self.decoders):
            bound = 4 * (6 / sum(layer.weight.shape)) ** 0.5  # four times tanh's, for the sigmoid
            draw = torch.rand(layer.weight.shape, generator=generator, device=generator.device)
            layer.weight.copy_(((2 * draw - 1) * bound).to(layer.weight))
            layer.bias.zero_()


def half_square(found: Tensor, wanted: Tensor) -> Tensor:
    """Half the squared error, summed over a patch and averaged over patches."""
    return 0.5 * (found - wanted).square().sum(1).mean()


def divergence(activity: Tensor, target: float) -> Tensor:
    """``Σ KL(target ‖ activity)`` of Bernoulli units; 0 where each is as active as wanted."""
    activity = activity.clamp(1e-6, 1 - 1e-6)
    on = target * (target / activity).log()
    return (on + (1 - target) * ((1 - target) / (1 - activity)).log()).sum()
