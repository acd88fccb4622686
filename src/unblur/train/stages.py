"""The paper's schedule as data: which part a stage trains, what it begins from, what its loss sees (5.3 and 5.5)."""

import torch
from torch import Tensor, nn

from unblur.networks.dcnn import DCNN
from unblur.networks.denoise_cnn import DenoiseCNN
from unblur.networks.odcnn import ODCNN
from unblur.tensors import Image, Psf
from unblur.train.config import Recipe, Stage


class Parts(nn.Module):
    """The paper's network in its three states of assembly; each stage trains one of them and leaves the others.

    Args:
        sizes: every size of the network, see ``unblur.networks.odcnn.PRESETS``.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        super().__init__()
        self.deconvolution = DCNN(width=sizes["width"], support=sizes["support"])
        self.denoise = DenoiseCNN(
            width=sizes["outlier_width"], first=sizes["first"], last=sizes["last"], rectified=sizes["rectified"]
        )
        self.joint = ODCNN(**sizes)
        self.gradient_limit: float | None = None
        """Nothing here needs its gradients cut."""

    def part(self, name: str) -> nn.Module:
        """The module that a stage of this name trains."""
        return {"deconvolution": self.deconvolution, "denoise": self.denoise, "joint": self.joint}[name]

    def restored(self, name: str, blurred: Image) -> Tensor:
        """What a part makes of blurred pictures, rim included; the denoise part sees stage 1's frozen output."""
        if name == "deconvolution":
            return self.deconvolution(blurred)
        if name == "denoise":
            with torch.no_grad():
                deconvolved = self.deconvolution(blurred)
            return self.denoise(deconvolved)
        return self.joint(blurred)

    def prepared(self, stage: Stage, blurred: Image, sharp: Image) -> tuple[Tensor, ...]:  # noqa: ARG002
        """What :meth:`loss` takes of a batch: nothing more than the patches."""
        return blurred, sharp

    def loss(self, stage: Stage, blurred: Image, sharp: Image) -> Tensor:
        """Half the mean squared error (paper, Eq. 2), without the rim of partial sums unless the stage counts it."""
        restored = self.restored(stage.part, blurred)
        restored = inner(restored, 0 if stage.rim else self.rim(stage.part))
        return 0.5 * nn.functional.mse_loss(restored, centre(sharp, restored))

    def groups(self, stage: Stage) -> list[dict[str, object]]:
        """What the optimiser gets: two groups, each with its peak rate."""
        return parameter_groups(self.part(stage.part), stage)

    def margin(self, name: str) -> int:
        """Pixels at each side of a patch that only feed the others."""
        return self.deconvolution.margin if name == "deconvolution" else self.joint.margin

    def rim(self, name: str) -> int:
        """Pixels at each side of a part's result that hold partial sums."""
        return 0 if name == "deconvolution" else self.joint.rim

    def multiply_adds(self, name: str) -> int:
        """Multiply-adds per output pixel of what a stage trains, in the limit of large patches, as if direct."""
        maps, layers = self.joint.maps, self.joint.layers
        long_layers = maps.columns.weight.numel() + maps.rows.weight.numel()
        outlier = layers.second.weight.numel() + layers.last.weight.numel()
        return {
            "deconvolution": long_layers + maps.rows.weight.shape[0],
            "denoise": self.denoise.layers.first.weight.numel() + outlier,
            "joint": long_layers + layers.first.weight.numel() + outlier,
        }[name]


def begin(parts: Parts, recipe: Recipe, stage: int, psf: Psf, blurred: Image) -> None:
    """Set the weights that a stage starts from: an inverse kernel or chance, the identity, or the merged halves.

    Args:
        parts: changed in place.
        recipe: start, seed and r.
        stage: its number.
        psf: what the network is for.
        blurred: a few degraded pictures, on which the separable start scales its maps.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    name = recipe.stages[stage].part
    if stage and recipe.stages[stage - 1].part == name:
        return  # the same part again, at another pace
    if name == "deconvolution":
        parts.deconvolution.start(
            recipe.start, psf, blurred, noise_to_signal=recipe.noise_to_signal, generator=generator
        )
    elif name == "denoise":
        parts.denoise.start(generator)
    else:
        parts.joint.merge(parts.deconvolution, parts.denoise)


def inner(image: Tensor, margin: int) -> Tensor:
    """The picture without ``margin`` pixels at each side."""
    return image[..., margin : image.shape[-2] - margin, margin : image.shape[-1] - margin]


def centre(image: Tensor, like: Tensor) -> Tensor:
    """The middle of ``image``, as large as ``like``."""
    top, left = (image.shape[-2] - like.shape[-2]) // 2, (image.shape[-1] - like.shape[-1]) // 2
    return image[..., top : top + like.shape[-2], left : left + like.shape[-1]]


def parameter_groups(part: nn.Module, stage: Stage) -> list[dict[str, object]]:
    """Two groups, each with its peak rate: the two long layers, and everything else."""
    long_layers: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in part.named_parameters():
        (long_layers if name.startswith("maps.") else others).append(parameter)
    groups = [(long_layers, stage.separable_rate), (others, stage.rate)]
    return [{"params": params, "lr": rate, "peak": rate} for params, rate in groups if params]
