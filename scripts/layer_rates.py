"""Measure how near the paper's layers come to this machine's matrix rate: layout, precision and patch size tried.

    python scripts/layer_rates.py --threads 2

Prints a Markdown table of GFLOP/s, forward and for a training step (counted as three forward passes), beside the rate
of a large matrix product, which is the ceiling. All FLOP/s are counted as if the layers were direct: those that go by
the spectrum can lie above the ceiling.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from unblur.fourier import correlate_along
from unblur.networks.overlap_save import correlate
from unblur.precision import bfloat16_pays

WIDTH, SUPPORT, OUTLIER_WIDTH, FIRST = 38, 121, 512, 16
BATCH = 8


def seconds(work: Callable[[], object], repeats: int = 2) -> float:
    """The quickest of a few runs after a first one."""
    work()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def rates(step: Callable[[Tensor], Tensor], x: Tensor, multiply_adds: float) -> tuple[float, float]:
    """GFLOP/s forward and for a training step of ``step`` on ``x``."""
    with torch.no_grad():
        forward = 2 * multiply_adds / seconds(lambda: step(x))
    x = x.detach().requires_grad_(True)
    seed = torch.ones_like(step(x))
    return forward / 1e9, 6 * multiply_adds / seconds(lambda: step(x).backward(seed)) / 1e9


def big_layer(dtype: torch.dtype, layout: torch.memory_format, side: int) -> tuple[float, float]:
    """The 16 × 16 × 38 → 512 layer on patches whose maps have ``side`` pixels."""
    layer = nn.Conv2d(WIDTH, OUTLIER_WIDTH, FIRST, dtype=dtype)
    layer.weight.data = layer.weight.data.contiguous(memory_format=layout)
    x = torch.randn(BATCH, WIDTH, side, side, dtype=dtype).to(memory_format=layout)
    out = side - FIRST + 1
    return rates(layer, x, BATCH * out * out * OUTLIER_WIDTH * WIDTH * FIRST * FIRST)


def big_layer_by_spectrum(dtype: torch.dtype, side: int) -> tuple[float, float]:
    """The same layer as the networks compute it: overlap-save along the width, matrix products for each frequency."""
    kernels = nn.Conv2d(WIDTH, OUTLIER_WIDTH, FIRST).weight
    x = torch.randn(BATCH, WIDTH, side, side)
    out = side - FIRST + 1
    work = BATCH * out * out * OUTLIER_WIDTH * WIDTH * FIRST * FIRST
    return rates(lambda maps: correlate(maps, kernels, dtype)[0], x, work)


def long_layer(how: str, side: int) -> tuple[float, float]:
    """The 1 × 121 × 38 → 38 layer, direct or by FFT along its axis."""
    layer = nn.Conv2d(WIDTH, WIDTH, (1, SUPPORT), bias=False)
    x = torch.randn(BATCH, WIDTH, side - SUPPORT + 1, side)

    def by_fft(maps: Tensor) -> Tensor:
        return correlate_along(maps, layer.weight.flatten(2), -1)

    out = side - SUPPORT + 1
    return rates(layer if how == "direct" else by_fft, x, BATCH * out * out * WIDTH * WIDTH * SUPPORT)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description="Rates of the paper's layers against the machine's matrix rate.")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    precisions = [torch.float32] + [torch.bfloat16] * bfloat16_pays("cpu")
    ceiling = {}
    for dtype in precisions:
        a = torch.randn(4096, 4096, dtype=dtype)
        ceiling[dtype] = 2 * 4096**3 / seconds(lambda a=a: a @ a) / 1e9  # type: ignore[misc]
    lines = ["| layer | precision | layout | patch | forward | training step | of the matrix rate |", "|" + "---|" * 7]
    layouts = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
    for dtype in precisions:
        name = str(dtype).removeprefix("torch.")
        for layout, memory_format in layouts.items():
            for patch in (184, 233) if dtype == torch.bfloat16 else (184,):
                forward, step = big_layer(dtype, memory_format, patch - SUPPORT + 1)
                share = f"{forward / ceiling[dtype]:.0%}, {step / ceiling[dtype]:.0%}"
                lines.append(
                    f"| 16 × 16, direct | {name} | {layout} | {patch} | {forward:.0f} | {step:.0f} | {share} |"
                )
    for dtype in precisions:
        name = str(dtype).removeprefix("torch.")
        for patch in (184, 233):
            forward, step = big_layer_by_spectrum(dtype, patch - SUPPORT + 1)
            share = f"{forward / ceiling[dtype]:.0%}, {step / ceiling[dtype]:.0%}"
            about = f"16 × 16, spectrum | {name} | columns | {patch}"
            lines.append(f"| {about} | {forward:.0f} | {step:.0f} | {share} |")
    for how in ("direct", "FFT"):
        for patch in (184, 256):
            forward, step = long_layer(how, patch)
            lines.append(f"| 1 × 121, {how} | float32 | contiguous | {patch} | {forward:.0f} | {step:.0f} | |")
    matrix = ", ".join(f"{str(dtype).removeprefix('torch.')} {rate:.0f}" for dtype, rate in ceiling.items())
    print(f"Matrix rate with {asked.threads} threads, GFLOP/s: {matrix}\n")  # noqa: T201
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
