"""A command for napari: restores the pictures of an image layer. ``napari.yaml`` beside this file declares it."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from unblur.errors import ImageError

if TYPE_CHECKING:  # napari reads these names when it builds the form; nobody else needs napari
    import napari.layers
    import napari.types


def _methods(_: object) -> list[str]:
    """What the form offers."""
    from unblur.methods import METHODS

    return list(METHODS)


def restore_layer(
    layer: "napari.layers.Image",
    psf: str = "disk:3",
    method: Annotated[str, {"choices": _methods}] = "universal",
    light: Literal["linear", "sRGB"] = "linear",
    white: float = 0.0,
) -> "napari.types.LayerDataTuple":
    """Restore an image layer into a new one; the pictures of a stack one by one.

    Args:
        layer: ``(…, H, W)``, or ``(…, H, W, 3|4)`` where napari says that it is RGB; opacity stays as it is.
        psf: ``disk:R``, ``gauss:S``, ``motion:LENGTH,ANGLE``, …, or a file; lengths in pixels.
        method: a name from ``unblur.METHODS``.
        light: ``linear`` if the numbers are proportional to light, as a microscope's are; ``sRGB`` for photographs.
        white: the number at which the sensor clips; nothing in the result is brighter. 0 takes the largest number of
            the type, 1 for floats.

    Returns:
        The restored pixels in the layer's shape and type, what napari needs to show them alike, and the kind of layer.

    Raises:
        ImageError: a layer of several scales, or white that is below 0.
        UnblurError: as :func:`unblur.restore`.
    """
    from unblur.interop.scikit_image import deconvolve
    from unblur.io.psf import read_psf

    if getattr(layer, "multiscale", False):
        raise ImageError(f"{layer.name} holds several scales of a picture, expected one; convert the layer")
    if not white >= 0:
        raise ImageError(f"white is {white}, expected a number above 0, or 0 for the largest of the type")
    pixels: Any = np.asarray(layer.data)
    integers = pixels.dtype.kind in "ui"
    white = white or (float(np.iinfo(pixels.dtype).max) if integers else 1.0)
    kernel = read_psf(psf).numpy()
    rest = 3 if layer.rgb else 2
    result = pixels.copy()
    for place in np.ndindex(pixels.shape[:-rest]):
        picture = pixels[place][..., :3] if layer.rgb else pixels[place]
        restored = deconvolve(
            np.minimum(picture / np.float32(white), 1),
            kernel,
            method=method,
            transfer="encoded" if light == "linear" else "linear",
            channel_axis=2 if layer.rgb else None,
        )
        restored = restored * white
        result[place][..., : picture.shape[2] if layer.rgb else None] = np.rint(restored) if integers else restored
    shown = {"name": f"{layer.name} restored", "rgb": layer.rgb, "scale": layer.scale}
    return result, shown, "image"
