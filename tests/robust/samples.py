"""Small sound files of every kind that the doors read: what the damage is done to."""

import io
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import scipy.io
import tifffile
import torch
from astropy.io import fits
from PIL import Image, ImageCms

from tests.io.dng import write_dng
from tests.train.tiny import TINY
from unblur.networks.dcnn import DCNN
from unblur.psf.parametric import disk, motion
from unblur.weights import Card, Weights, write_weights

HEIGHT, WIDTH = 20, 28
Samples = dict[str, bytes]
"""File name → content."""


@cache
def photographs() -> Samples:
    """Pictures of 20 × 28 pixels in every format and depth that is read."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(30, 220, (5, 7, 3), dtype=np.uint8)
    rgb = np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    deep = rgb.astype(np.uint16) * 257
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    colour, grey = Image.fromarray(rgb), Image.fromarray(rgb[..., 0])
    alpha = Image.fromarray(np.dstack([rgb, rgb[..., :1]]))
    return {
        "rgb.png": _saved(colour, "PNG", icc_profile=profile, exif=exif),
        "grey.png": _saved(grey, "PNG"),
        "alpha.png": _saved(alpha, "PNG"),
        "palette.png": _saved(colour.quantize(16), "PNG"),
        "deep.png": bytes(imagecodecs.png_encode(deep)),
        "rgb.jpg": _saved(colour, "JPEG", icc_profile=profile, exif=exif),
        "progressive.jpg": _saved(colour, "JPEG", progressive=True),
        "ink.jpg": _saved(colour.convert("CMYK"), "JPEG"),
        "rgb.tif": _saved(colour, "TIFF", compression="tiff_adobe_deflate", icc_profile=profile),
        "lzw.tif": _saved(grey, "TIFF", compression="tiff_lzw"),
        "deep.tif": _tiff(deep, compression="zlib", predictor=True, iccprofile=profile),
        "plain.tif": _tiff(deep, byteorder=">"),
        "float.tif": _tiff(rgb.astype(np.float32) / 255),
        "big.tif": _tiff(deep, bigtiff=True),
        "rgb.webp": _saved(colour, "WEBP"),
        "lossless.webp": _saved(alpha, "WEBP", lossless=True),
        "rgb.avif": _saved(colour, "AVIF"),
        "rgb.bmp": _saved(colour, "BMP"),
        "rgb.gif": _saved(colour, "GIF"),
        "rgb.ppm": _saved(colour, "PPM"),
        "sky.fits": _fits(rgb),
        "sensor.dng": _dng(),
        "phone.heic": _heic(colour),
    }


@cache
def psfs() -> Samples:
    """The same lopsided PSF in every format that is read."""
    psf = np.array([[4, 2, 1], [0, 1, 0], [0, 0, 0]], np.float32) / 8
    npy, mat, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, psf)
    scipy.io.savemat(mat, {"psf": psf, "note": "text"})
    scipy.io.savemat(packed, {"k": psf.astype(float), "cell": np.array([{"a": 1}], object)}, do_compression=True)
    levels = np.rint(psf * 131070).astype(np.uint16)
    return {
        "psf.npy": npy.getvalue(),
        "psf.mat": mat.getvalue(),
        "packed.mat": packed.getvalue(),
        "psf.png": bytes(imagecodecs.png_encode(levels)),
        "psf.tif": _tiff(psf),
        "psf.jpg": _saved(Image.fromarray((psf * 500).clip(0, 255).astype(np.uint8)), "JPEG"),
        "psf.bmp": _saved(Image.fromarray((psf * 500).clip(0, 255).astype(np.uint8)), "BMP"),
    }


@cache
def recipes() -> Samples:
    """One of each network."""
    anything = '[[stages]]\npart = "universal"\nsteps = 3\nrate = 1e-3\n[data]\nlargest = 31\nnoise = 0.02\n'
    return {
        "paper.toml": (TINY + "\n[data]\nnoise = [0.01, 0.02]\njpeg = [70, 80]\n").encode(),
        "any.toml": ('name = "any"\npsf = "any"\nnetwork = "universal"\n' + anything).encode(),
    }


@cache
def weights() -> Samples:
    """A tiny network of the paper for ``motion:3,0``."""
    sizes = {"width": 4, "support": 11}
    card = Card(
        network="dcnn", sizes=sizes, psf="motion:3,0", start="random", transfer="encoded", recipe={}, photographs=1
    )
    torch.manual_seed(0)
    tensors = {name: tensor.clone() for name, tensor in DCNN(**sizes).state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.safetensors"
        write_weights(path, Weights(card=card, psf=motion(3, 0), tensors=tensors))
        return {"dcnn.safetensors": path.read_bytes()}


@cache
def states() -> Samples:
    """A training state."""
    file = io.BytesIO()
    torch.save({"belongs_to": "run", "step": 3, "weights": {"a": disk(2)}}, file)
    return {"last.pt": file.getvalue()}


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _tiff(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", **options: Any) -> bytes:
    file = io.BytesIO()
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(file, pixels, photometric=photometric, metadata=None, **options)
    return file.getvalue()


def _fits(rgb: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    file = io.BytesIO()
    fits.PrimaryHDU(np.moveaxis(rgb, -1, 0).astype(np.float32)).writeto(file)
    return file.getvalue()


def _heic(image: Image.Image) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file)
    return file.getvalue()


def _dng() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.dng"
        write_dng(path, np.random.default_rng(1).integers(300, 4000, (32, 48)).astype(np.uint16))
        return path.read_bytes()
