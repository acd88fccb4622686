"""Where bfloat16 pays: autocast around networks on CUDA, and on CPUs that have the instructions.

The environment variable ``UNBLUR_PRECISION=float32`` turns it off: the same bits on machines with and without it.
"""

from contextlib import AbstractContextManager
from functools import cache
from os import environ

import torch


def bfloat16_pays(device_type: str) -> bool:
    """Whether the device multiplies bfloat16 in hardware (elsewhere it is emulated, a hundred times slower)."""
    return environ.get("UNBLUR_PRECISION") != "float32" and _in_hardware(device_type)


@cache
def _in_hardware(device_type: str) -> bool:
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type != "cpu":
        return False
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16") or abilities.get("bf16"))


def autocast(device: torch.device, dtype: torch.dtype = torch.float32) -> AbstractContextManager[object]:
    """Mixed precision for networks of ``dtype`` float32 where it pays, plain elsewhere. FFTs belong outside."""
    enabled = dtype == torch.float32 and bfloat16_pays(device.type)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
