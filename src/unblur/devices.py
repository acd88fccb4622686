"""Which device to compute on."""

import torch

from unblur.errors import ConfigError


def torch_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        ConfigError: unknown, or not to be had here.
    """
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"the device is {name!r}, expected auto, cpu, cuda or mps") from None
    known = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(has_mps)}
    if (device.index or 0) >= known.get(device.type, 0):
        raise ConfigError(f"the device {name!r} is not to be had here; choose auto or cpu")
    return device
