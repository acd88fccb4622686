"""Weights in a few bits each, with a scale for every output channel: how large networks become small files."""

from collections.abc import Collection, Mapping

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from unblur.errors import WeightsError

BITS = 7
"""By default; enough where a row's weights are of one size and no large ones cancel each other."""
WORTHWHILE = 4096
"""Tensors of fewer weights stay as they are."""
_CLIPS = tuple(step / 20 for step in range(10, 21))
_PARTS = (".codes", ".scales", ".layout", ".offsets")
_BASE, _MIX, _REST = ".base", ".mix", ".rest"
_CHANGE = ".change.of."


def compacted(tensors: Mapping[str, Tensor], bits: int = BITS) -> dict[str, Tensor]:
    """Store every large kernel in ``bits`` bits a weight; all else stays as it is, also what is float16 already.

    A kernel ``name`` of n output channels becomes ``name.codes``, n rows of packed bits; ``name.scales``, the step of
    each channel in float32; ``name.offsets``, what is added to all of a row, so that its sum is kept (without it, even
    areas come out too dark or too bright); and ``name.layout``, the bits and the shape.

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
        rounded = (codes.float() - (2 ** (bits - 1) - 1)) * scales[:, None]
        stored[name + ".offsets"] = (rows - rounded).mean(dim=1).half()
        stored[name + ".layout"] = torch.tensor([bits, *tensor.shape], dtype=torch.int32)
    return stored


def with_common_kernels(tensors: Mapping[str, Tensor], names: Collection[str]) -> dict[str, Tensor]:
    """Split kernels into what all their inputs have in common, and the rest, which can then be stored in fewer bits.

    The first kernels of an ODCNN come from a merge: one kernel for each output, times a strength for each of the
    inputs. Strengths of 0.3 to 400 cancel each other, so 7 bits of the product cost 0.8 dB; apart from that product,
    training has moved the weights by one percent of their norm, of which 4 bits are plenty.

    Args:
        tensors: by name.
        names: of kernels ``(D, C, s, s)``: each becomes ``name.base`` ``(D, s, s)`` in float16, ``name.mix`` ``(C,)``,
            both by the best approximation in the least-squares sense, and ``name.rest``, a row for each pair of maps.
    """
    split: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name not in names:
            split[name] = tensor
            continue
        kernels = tensor.detach().float().cpu()
        inputs_last = kernels.permute(0, 2, 3, 1)
        left, strength, right = torch.linalg.svd(inputs_last.flatten(0, 2), full_matrices=False)
        base = (left[:, 0] * strength[0]).reshape(inputs_last.shape[:3]).half()
        split[name + _BASE], split[name + _MIX] = base, right[0]
        split[name + _REST] = (kernels - _product(base, right[0])).flatten(0, 1)
    return split


def with_changes(tensors: Mapping[str, Tensor], origins: Mapping[str, str], bits: int) -> dict[str, Tensor]:
    """Store kernels as what has changed since another one of the same shape, in few bits; all else stays as it is.

    What training moved is small against the kernels themselves, and so is an error of a sixteenth of it.

    Args:
        tensors: by name; the origins as they will be read again.
        origins: kernel → the kernel that it was trained on from, of which one is no other's.
        bits: as for :func:`compacted`.
    """
    changes = {f"{name}{_CHANGE}{of}": tensors[name].float() - tensors[of].float() for name, of in origins.items()}
    return {**{name: t for name, t in tensors.items() if name not in origins}, **compacted(changes, bits)}


def _product(base: Tensor, mix: Tensor) -> Tensor:
    return base.float()[:, None] * mix[:, None, None]


def expanded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that :func:`compacted` stored, in float32, those of the other two put together.

    Raises:
        WeightsError: parts of one tensor are missing or do not belong together.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith(".codes"):
            found[name.removesuffix(".codes")] = _kernel(tensors, name.removesuffix(".codes"))
        elif not name.endswith(_PARTS):
            found[name] = tensor
    for name in [name.removesuffix(_BASE) for name in found if name.endswith(_BASE)]:
        found[name] = _whole(name, *(found.pop(name + part, None) for part in (_BASE, _MIX, _REST)))
    for change in [name for name in found if _CHANGE in name]:
        name, _, origin = change.partition(_CHANGE)
        moved = found.pop(change)
        if origin not in found or found[origin].shape != moved.shape:
            raise WeightsError(f"{name} is stored as a change of {origin}, which is missing or of another shape")
        found[name] = found[origin].float() + moved
    return found


def _whole(name: str, base: Tensor | None, mix: Tensor | None, rest: Tensor | None) -> Tensor:
    """What :func:`with_common_kernels` has split."""
    if base is None or mix is None or rest is None or base.ndim != 3 or mix.ndim != 1:
        raise WeightsError(f"the split tensor {name} is incomplete; get or train the file again")
    if rest.shape != (len(base) * len(mix), *base.shape[1:]):
        raise WeightsError(f"the rest of the split tensor {name} is {tuple(rest.shape)}, which does not fit its base")
    return _product(base, mix) + rest.reshape(len(base), len(mix), *base.shape[1:])


def _kernel(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    try:
        codes, scales, layout = (tensors[name + part] for part in _PARTS[:3])
        offsets = tensors.get(name + _PARTS[3], torch.zeros(len(scales)))  # older files have none
        bits, *shape = layout.tolist()
        columns = torch.Size(shape[1:]).numel()
        fits = codes.shape == (shape[0], (columns * bits + 7) // 8) and 2 <= bits <= 8
        if not fits or not scales.shape == offsets.shape == (shape[0],):
            raise WeightsError(
                f"the compact tensor {name} is {tuple(codes.shape)}, which is not {shape} of {bits} bits"
            )
    except (KeyError, ValueError, IndexError) as error:
        raise WeightsError(f"the compact tensor {name} is incomplete ({error}); get or train the file again") from None
    values = _unpacked(codes, bits, columns).float() - (2 ** (bits - 1) - 1)
    return (values * scales[:, None] + offsets.float()[:, None]).reshape(shape)


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
