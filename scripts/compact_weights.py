"""Write the paper's networks as the package ships them: a sixth of the file, less than 0.01 dB away.

    python scripts/compact_weights.py runs/mine/odcnn.safetensors src/unblur/data/odcnn-mine.safetensors

The first outlier-rejection kernels, nine tenths of an ODCNN, are split into what all maps have in common and a rest of
4 bits, its second long layer likewise with 8; all other kernels become float16, as small differences of large weights
count there. The card stays as it is, but for its hash; `unblur` reads both forms alike.
"""

import argparse
from pathlib import Path

from torch import Tensor

from unblur.compact import compacted, with_common_kernels
from unblur.weights import Weights, read_weights, write_weights

BITS = {"layers.first.weight": 4, "maps.rows.weight": 8}
"""Of an ODCNN: kernel → bits. In DCNN's long layers 8 bits cost 0.1 dB, as nothing after them makes up for it."""


def small(whole: Weights) -> dict[str, Tensor]:
    """The tensors as they are shipped."""
    few = BITS if whole.card.network == "odcnn" else {}
    stored = {name: t.half() if t.ndim == 4 else t for name, t in whole.tensors.items() if name not in few}
    for name, bits in few.items():
        stored |= compacted(with_common_kernels({name: whole.tensors[name]}, [name]), bits)
    return stored


def main() -> None:
    """Read the command line, convert and say what it saved."""
    parser = argparse.ArgumentParser(description="The paper's networks as small files.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    asked = parser.parse_args()
    whole = read_weights(asked.weights)
    write_weights(asked.output, Weights(card=whole.card, psf=whole.psf, tensors=small(whole)))
    read_weights(asked.output)  # what cannot be read again must not be found out by somebody else
    before, after = (path.stat().st_size / 1e6 for path in (asked.weights, asked.output))
    print(f"{asked.output}: {after:.2f} MB instead of {before:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
