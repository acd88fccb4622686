"""Write weights in a few bits each, as the package ships large networks.

    python scripts/compact_weights.py runs/mine/odcnn.safetensors src/unblur/data/odcnn-mine.safetensors --bits 6

The card stays as it is, but for its hash; `unblur` reads both forms alike. The long layers of DCNN and ODCNN become
float16 only: large strengths stand against small differences there, and 8 bits cost DCNN half a decibel.
"""

import argparse
from pathlib import Path

from torch import Tensor

from unblur.compact import BITS, compacted
from unblur.weights import Weights, read_weights, write_weights

LONG = "maps."


def _half(tensor: Tensor) -> Tensor:
    """Kernels as float16, biases as they are."""
    return tensor.half() if tensor.ndim == 4 else tensor


def main() -> None:
    """Read the command line, convert and say what it saved."""
    parser = argparse.ArgumentParser(description="Weights in a few bits each, with a scale for every output channel.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--bits", type=int, default=BITS, choices=range(2, 9))
    asked = parser.parse_args()
    whole = read_weights(asked.weights)
    tensors = {name: _half(tensor) if name.startswith(LONG) else tensor for name, tensor in whole.tensors.items()}
    small = Weights(card=whole.card, psf=whole.psf, tensors=compacted(tensors, asked.bits))
    write_weights(asked.output, small)
    read_weights(asked.output)  # what cannot be read again must not be found out by somebody else
    before, after = (path.stat().st_size / 1e6 for path in (asked.weights, asked.output))
    print(f"{asked.output}: {after:.2f} MB instead of {before:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
