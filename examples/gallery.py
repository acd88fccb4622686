"""The gallery of the manual: every scene, made again by one command.

    python examples/gallery.py [-o FOLDER] [--only SCENE] [--quick]

All but ``own_camera`` take seconds; that one trains for some minutes.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

SCENES = (
    "out_of_focus_lights",
    "camera_shake",
    "line_motion",
    "noise_and_jpeg",
    "psf_from_a_star",
    "wrong_psf",
    "moving_subject",
    "rolling_shutter",
    "scikit_image_style",
    "torch_gradients",
    "own_camera",
)
"""Names of the scripts; each writes one picture, its name with hyphens."""


def picture_of(scene: str, folder: Path) -> Path:
    """Where a scene's picture goes."""
    return folder / f"{scene.replace('_', '-')}.webp"


def main() -> None:
    """Make the scenes that were asked for, and say what each found."""
    parser = argparse.ArgumentParser(description="Make the pictures of the manual's gallery.")
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), help="folder of the pictures [demo]")
    parser.add_argument("--only", choices=SCENES, action="append", help="this scene; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small pictures, to see that all of it runs")
    asked = parser.parse_args()
    for scene in asked.only or SCENES:
        found = import_module(scene).main(asked.output, quick=asked.quick)
        sys.stdout.write(f"{picture_of(scene, asked.output)}\n")
        sys.stdout.writelines(f"    {label:<32}{number:8.2f}\n" for label, number in found.items())
        sys.stdout.flush()


if __name__ == "__main__":
    main()
