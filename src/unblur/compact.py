"""Weights in a few bits each, with a scale for every output channel: how large networks become small files."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from unblur.errors import WeightsError

BITS = 7
"""By default: the paper's 5.5 million weights in 4.8 MB."""
WORTHWHILE = 4096
"""Tensors of fewer weights stay as they are."""
_CLIPS = tuple(step / 20 for step in range(10, 21))
_PARTS = (".codes", ".scales", ".layout")


def compacted(tensors: Mapping[str, Tensor], bits: int = BITS) -> dict[str, Tensor]:
    """Store every large kernel in ``bits`` bits a weight; all else stays as it is, also what is float16 already.

    A kernel ``name`` of n output channels becomes ``name.codes``, n rows of packed bits; ``name.scales``, the step of
    each channel in float32; and ``name.layout``, the bits and the shape.

    Args:
        tensors: by name.
        bits: 2 to 8; a weight takes one of ``2 ** bits - 1`` evenly spaced values about zero.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2 or tensor.numel() < WORTHWHILE or tensor.dtype is torch.float16:
            stored[name] = tensor
            continue
        rows = tensor.detach().float().cpu().flatten(1)
        codes, scales = _quantised(rows, bits)
        stored[name + ".codes"] = _packed(codes, bits)
        stored[name + ".scales"] = scales
        stored[name + ".layout"] = torch.tensor([bits, *tensor.shape], dtype=torch.int32)
    return stored


def expanded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that :func:`compacted` stored, in float32.

    Raises:
        WeightsError: codes, scales and layout do not belong together.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith(".codes"):
            found[name.removesuffix(".codes")] = _kernel(tensors, name.removesuffix(".codes"))
        elif not name.endswith(_PARTS):
            found[name] = tensor
    return found


def _kernel(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    try:
        codes, scales, layout = (tensors[name + part] for part in _PARTS)
        bits, *shape = layout.tolist()
        columns = torch.Size(shape[1:]).numel()
        if codes.shape != (shape[0], (columns * bits + 7) // 8) or scales.shape != (shape[0],) or not 2 <= bits <= 8:
            raise WeightsError(
                f"the compact tensor {name} is {tuple(codes.shape)}, which is not {shape} of {bits} bits"
            )
    except (KeyError, ValueError, IndexError) as error:
        raise WeightsError(f"the compact tensor {name} is incomplete ({error}); get or train the file again") from None
    values = _unpacked(codes, bits, columns).float() - (2 ** (bits - 1) - 1)
    return (values * scales[:, None]).reshape(shape)


def _quantised(rows: Float[Tensor, "n m"], bits: int) -> tuple[Int[Tensor, "n m"], Float[Tensor, " n"]]:
    """Codes from 0 and the step of each row; of several steps the one with the least squared error."""
    most = 2 ** (bits - 1) - 1
    largest = rows.abs().amax(dim=1).clamp_min(torch.finfo(rows.dtype).tiny * most)
    scales, least = largest / most, torch.full_like(largest, torch.inf)
    for clip in _CLIPS:  # a rare large weight may be cut, so that all others get finer steps
        step = clip * largest / most
        error = ((rows / step[:, None]).round().clamp(-most, most) * step[:, None] - rows).square().sum(dim=1)
        scales = torch.where(error < least, step, scales)
        least = torch.minimum(error, least)
    return (rows / scales[:, None]).round().clamp(-most, most).long() + most, scales


def _packed(codes: Int[Tensor, "n m"], bits: int) -> UInt8[Tensor, "n k"]:
    """Codes of so many bits, each row from a fresh byte, lowest bits first."""
    flags = np.unpackbits(codes.to(torch.uint8).numpy()[..., None], axis=2, bitorder="little")[..., :bits]
    return torch.from_numpy(np.packbits(flags.reshape(len(codes), -1), axis=1, bitorder="little"))


def _unpacked(packed: UInt8[Tensor, "n k"], bits: int, columns: int) -> UInt8[Tensor, "n m"]:
    flags = np.unpackbits(packed.numpy(), axis=1, count=columns * bits, bitorder="little")
    return torch.from_numpy(np.packbits(flags.reshape(-1, columns, bits), axis=2, bitorder="little")[..., 0])
