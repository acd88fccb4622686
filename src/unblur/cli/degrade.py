"""The command that takes blurred photographs of sharp pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unblur.cli.fail import fail, say
from unblur.cli.output import Json, Quiet, tell
from unblur.errors import ConfigError, ImageError, UnblurError

if TYPE_CHECKING:
    from torch import Tensor

    from unblur.io.picture import Picture, Pixels


def degrade(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A sharp picture.", show_default=False)],
    psf: Annotated[str, typer.Option(help="The blur: disk:7, motion:15,30, a file, a table, …", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The blurred photograph.", show_default=False)],
    gain: Annotated[float, typer.Option(help="Exposure; more drives more of the picture into white.")] = 1.0,
    lights: Annotated[float, typer.Option(help="What reaches white is so many times brighter before the blur.")] = 1.0,
    noise: Annotated[str, typer.Option(help="S or S,PEAK: σ where white is 1, and electrons at white.")] = "0",
    jpeg: Annotated[float | None, typer.Option(help="JPEG quality, 1 to 100; lower is coarser.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Of the noise; one seed, one photograph.")
    ] = 0,
    transfer: Annotated[
        Literal["linear", "encoded"], typer.Option(help="The light in which the blur holds.")
    ] = "linear",
    target: Annotated[
        Path | None, typer.Option(help="Where to put the sharp picture, cut to the same frame.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take a blurred photograph of PHOTO: exposure, blur, noise, clipping and JPEG, in this order.

    The output is smaller by the PSF's size less one, as only pixels are kept whose light was wholly seen. Write PNG or
    TIFF to keep its values as they are; a JPEG output of --jpeg Q is compressed once, with that quality.

    Example: unblur degrade sharp.png --psf disk:7 --noise 0.01 --jpeg 75 -o blurred.png --target sharp-cut.png
    """
    try:
        _check_outputs(photo, [path for path in (output, target) if path is not None], overwrite)

        from dataclasses import replace

        import torch

        from unblur.degrade.camera import Camera
        from unblur.io.psf_table import read_blur
        from unblur.io.read import read_picture
        from unblur.io.write import standard_quality, write_picture

        notes: list[str] = []
        read_noise, peak = parse_noise(noise)
        picture = read_picture(photo)
        stored_as_jpeg = jpeg is not None and output.suffix.lower() in (".jpg", ".jpeg")
        camera = Camera(
            gain=gain,
            lights=lights,
            noise=read_noise,
            peak=peak,
            jpeg=None if stored_as_jpeg else jpeg,
            transfer=transfer,
            encoding=picture.encoding,
            real_jpeg=True,
        )
        generator = torch.Generator().manual_seed(seed)
        blurred, sharp = camera.photograph(_light(picture), read_blur(psf), generator, curve=picture.curve)
        quality = standard_quality(jpeg) if jpeg is not None and stored_as_jpeg else picture.jpeg
        for image, path, tables in ((blurred, output, quality), (sharp, target, picture.jpeg)):
            if path is not None:
                lost = write_picture(replace(_cut(picture, image), jpeg=tables), path, overwrite=overwrite)
                notes += [f"{path}: {note}" for note in lost]
    except UnblurError as error:
        fail(error)
    if not quiet:
        for note in notes:
            say(note, err=True)
    height, width = blurred.shape[-2:]
    found = {"output": str(output), "target": target and str(target), "height": height, "width": width, "notes": notes}
    tell(found, as_json=as_json, quiet=True)


def parse_noise(text: str) -> tuple[float, float | None]:
    """Standard deviation and, after a comma, the electrons at white.

    Raises:
        ConfigError: neither one nor two numbers.
    """
    try:
        noise, *peak = (float(part) for part in text.split(","))
        if len(peak) > 1:
            raise ValueError
    except ValueError:
        raise ConfigError(f"--noise: got {text!r}, expected S or S,PEAK, for instance 0.01 or 0.005,2000") from None
    return noise, peak[0] if peak else None


def _check_outputs(photo: Path, outputs: list[Path], overwrite: bool) -> None:
    """Refuse an output that is the input or the other output, or cannot be written, before any work."""
    from unblur.io.write import check_output

    paths = [path.resolve() for path in (photo, *outputs)]
    if len(set(paths)) < len(paths):
        raise ImageError(f"{photo} and its outputs share a name, expected different files; choose other outputs")
    for path in outputs:
        check_output(path, overwrite=overwrite)


def _light(picture: "Picture") -> "Tensor":
    """The colours as floats with 1 = white."""
    import numpy as np

    from unblur.io.arrays import planes_of_array

    return planes_of_array(picture.pixels.astype(np.float32)) / _white(picture.pixels)


def _cut(picture: "Picture", image: "Tensor") -> "Picture":
    """The picture with other colours, in its own number type, and its opacity cut to their frame."""
    from dataclasses import replace

    import numpy as np

    from unblur.io.arrays import array_of

    values = array_of(image) * _white(picture.pixels)
    if picture.pixels.dtype.kind == "u":
        values = np.rint(values)
    pixels, alpha = values.astype(picture.pixels.dtype), picture.alpha
    if alpha is not None:
        top, left = ((full - cut) // 2 for full, cut in zip(alpha.shape, pixels.shape[:2], strict=True))
        alpha = np.ascontiguousarray(alpha[top : top + pixels.shape[0], left : left + pixels.shape[1]])
    return replace(picture, pixels=np.ascontiguousarray(pixels), alpha=alpha)


def _white(pixels: "Pixels") -> float:
    import numpy as np

    return float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
