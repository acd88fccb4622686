"""The universal network in NumPy and onnxruntime alone, from the files of :func:`unblur.interop.onnx.export_onnx`.

This file imports nothing of the package, so that it can be copied to where PyTorch is not wanted. It says once more,
for one picture and in full precision, what :mod:`unblur.networks.universal` says for batches and gradients.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]
"""Planes ``(C, H, W)`` or ``(H, W)``, 1 = white."""
Part = tuple[slice, slice]

CARD, ROUNDS, VERSION = "universal.json", "rounds.npz", 6
RING, CELL = 8, 8
"""Pixels around the photograph that the U-Nets see; the sides that they take are multiples of a cell."""
PIECE = 512
"""Largest side of what a U-Net sees at once, in whole cells, its reach not counted."""
WHITE_FROM, WHITE_TO, BLACK_TO, BRIGHTEST = 0.97, 0.995, 0.005, 100.0
"""Of the network's training: where light counts as clipped, at both ends, and the brightest estimate."""
SCENE_GAP, BLOCKY = 0.3, 0.5
"""When noise counts as coarse: ``unblur.networks.light``."""


class Portable:
    """Restores photographs with exported files.

    Args:
        folder: holds ``universal.json``, the U-Nets and, if the network begins with these, ``rounds.npz``.
        providers: of onnxruntime, the first that is to be had is taken.

    Raises:
        ValueError: the files are of another version.
    """

    def __init__(self, folder: str | Path, *, providers: tuple[str, ...] = ("CPUExecutionProvider",)) -> None:
        import onnxruntime

        card = json.loads((Path(folder) / CARD).read_text(encoding="utf-8"))
        if card["version"] != VERSION:
            raise ValueError(f"{folder} has version {card['version']}, expected {VERSION}; export the network again")
        self.card, self.members, self.reach = card, card["members"], card["reach"]
        self.kinds: list[str] = list(card["steps"])
        self.rounds: dict[str, Array] = {}
        if card["phases"]:
            with np.load(Path(folder) / ROUNDS, allow_pickle=False) as file:
                self.rounds = {name: file[name] for name in file.files}
        names = {step["unet"] for steps in card["steps"].values() for step in steps}
        self.unets = {
            name: onnxruntime.InferenceSession(str(Path(folder) / name), providers=list(providers)) for name in names
        }

    def __call__(self, blurred: Array, psf: Array) -> Array:
        """Restore a photograph, borders included.

        Args:
            blurred: ``(H, W)`` or ``(H, W, 3)``, floats with 1 = white, in the light of the blur: nothing is decoded.
            psf: ``(kh, kw)``, not negative; a point of light prints it. It is divided by its sum; an even side gets a
                row or column of zeros at its end.

        Returns:
            float32 of the same shape, not clipped: lights may be above 1.
        """
        grey = blurred.ndim == 2
        picture = np.asarray(blurred[None] if grey else np.moveaxis(blurred, -1, 0), np.float32)
        kernel = np.pad(np.asarray(psf, np.float32), [(0, 1 - side % 2) for side in psf.shape])
        middle = kernel[kernel.shape[0] // 2, kernel.shape[1] // 2]
        # One point in the middle has blurred nothing.
        restored = picture if middle == kernel.sum() else self._restored(picture, kernel / kernel.sum())
        return restored[0] if grey else np.ascontiguousarray(np.moveaxis(restored, 0, -1))

    def _restored(self, blurred: Array, psf: Array) -> Array:
        picture, inside = extended(blurred, psf)
        size = picture.shape[1:]
        transfer = _response(psf, size)
        white = whiteness(picture)
        trust = np.zeros_like(picture)
        trust[:, *inside] = 1
        doubt = _filtered(np.fft.rfft2(1 - trust * (1 - white)), transfer.conj(), size)
        levels = noise_levels(blurred)
        shares = self._shares(levels)
        rounds = self._mixed(shares)
        prior = (2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(size[0])))[:, None] + (
            2 - 2 * np.cos(2 * np.pi * np.fft.rfftfreq(size[1]))
        )
        region = tuple(slice(part.start - RING, part.stop + RING + (part.start - part.stop) % CELL) for part in inside)
        strengths_of_rounds = self._strengths(rounds, levels, psf) if rounds else np.empty((3, 0))
        cells = (inside[0].start, inside[1].start)
        wide = max(psf.shape) > self.card["widest"]
        sparse = self._sparse(picture, trust, white, transfer, prior, levels, rounds, strengths_of_rounds, cells, wide)
        latent = np.minimum(sparse[-1], BRIGHTEST) if sparse else None
        for step in self.card["steps"][self.kinds[int(shares.argmax())]]:
            usual, observed = _softmax(np.array(step["choice"], np.float32)), picture
            misfit = np.fft.rfft2(picture)
            if latent is not None:
                again = _filtered(np.fft.rfft2(latent), transfer, size)
                observed = _filled(again, picture, trust, white)
                misfit = np.fft.rfft2(observed - again)
            strengths = np.exp(np.clip(np.array(step["log_weights"]) + np.array(step["slopes"]) @ levels, -16, 3))
            before = picture if latent is None else latent
            around = usual[0] * before + (0 if latent is None else usual[1 : self.members + 1].sum() * latent)
            around = around + sum(share * one for share, one in zip(usual[self.members + 1 :], sparse, strict=True))
            choices, features = [before[:, *region]], []
            for number, strength in enumerate(strengths):
                response = transfer.conj() / (np.abs(transfer) ** 2 + strength * prior).astype(np.float32)
                if number >= self.members:
                    seen = _response(np.array(step["filters"][number - self.members], np.float32), size)
                    features.append(_filtered(misfit, response * seen, size)[:, *region])
                    continue
                inverse = _filtered(misfit, response, size)
                around = around + usual[number + 1] * inverse
                choices.append(inverse[:, *region] + (0 if latent is None else latent[:, *region]))
            choices += [estimate[:, *region] for estimate in sparse]
            shown = [compress(np.stack(choices, 1)), *(plane[:, None] for plane in features)]
            shown += [plane[:, None, *region] for plane in (compress(observed), white, doubt)]
            latent = np.minimum(around, BRIGHTEST)
            latent[:, *region] = self._judged(step, np.stack(choices, 1), np.concatenate(shown, 1), levels)
        assert latent is not None
        return np.ascontiguousarray(latent[:, *inside])

    def _shares(self, levels: Array) -> Array:
        """How much of a photograph's noise is of each kind: ``unblur.networks.kinds.kind_shares``."""
        if len(self.kinds) == 1:
            return np.ones(1, np.float32)
        fine, coarse, blocks = levels
        grainy, untouched, compressed = (
            np.clip((value - low) / (high - low), 0, 1)
            for value, (low, high) in zip((coarse - fine, blocks, blocks), self.card["between"], strict=True)
        )
        white = (1 - grainy) * (1 - untouched)
        return np.array([1 - white - compressed, white, compressed], np.float32)

    def _mixed(self, shares: Array) -> dict[str, Array]:
        """The rounds of a photograph."""
        first = f"{self.kinds[0]}."
        names = [name.removeprefix(first) for name in self.rounds if name.startswith(first)]
        sets = {name: np.stack([self.rounds[f"{kind}.{name}"] for kind in self.kinds]) for name in names}
        return {name: np.tensordot(shares, several, 1) for name, several in sets.items()}

    def _strengths(self, rounds: dict[str, Array], levels: Array, psf: Array) -> Array:
        """Tie, threshold and second differences' weight of every round, ``(3, rounds)``: ``SparseRounds.strengths``."""
        facts = np.concatenate([levels / 2, _passing(psf, self.card["fineness"], self.card["directions"])])
        hidden = np.tanh(rounds["seen.weight"] @ facts + rounds["seen.bias"])
        adapted = (rounds["adapted.weight"] @ hidden + rounds["adapted.bias"]).reshape(3, -1)
        usual = [rounds["tie"] + rounds["slopes"] @ levels, rounds["threshold"], rounds["second"]]
        return np.asarray(np.exp(np.stack(usual) + adapted), np.float32)

    def _sparse(
        self,
        picture: Array,
        trust: Array,
        white: Array,
        transfer: Any,
        prior: Array,
        levels: Array,
        rounds: dict[str, Array],
        strengths: Array,
        cells: tuple[int, int],
        wide: bool,
    ) -> list[Array]:
        """The estimates under a sparse prior: :mod:`unblur.networks.splitting`."""
        if not rounds:
            return []
        size, gain, found = picture.shape[1:], np.abs(transfer) ** 2, []
        inverse = transfer.conj() / (gain + self.card["first_ratio"] * prior)
        spectrum = np.fft.rfft2(picture) * inverse
        spectrum = np.fft.rfft2(_filled(_filtered(spectrum, transfer, size), picture, trust, white)) * inverse
        estimate = np.fft.irfft2(spectrum, s=size)
        for number, (tie, threshold, second) in enumerate(strengths.T.tolist()):
            told = [*levels.tolist(), math.log(tie) / 5]
            determined = gain + tie * (prior + second * prior**2)
            correction = self._correction(rounds, number, estimate, told, cells)
            if wide:  # than the PSFs of the training
                damped = determined / (determined + tie * self.card["damping"])
                correction = _filtered(np.fft.rfft2(correction), damped, size)
            guide = _guide(estimate, threshold, second) + correction
            observed = np.fft.rfft2(_filled(_filtered(spectrum, transfer, size), picture, trust, white))
            wanted = transfer.conj() * observed + tie * np.fft.rfft2(guide)
            spectrum = wanted / determined
            estimate = np.fft.irfft2(spectrum, s=size)
            if number + 1 in self.card["phases"]:
                found.append(estimate.astype(np.float32))
        return found

    def _correction(
        self, rounds: dict[str, Array], number: int, estimate: Array, told: list[float], cells: tuple[int, int]
    ) -> Array:
        """What the small network of a round adds to its guide: ``GuideNet``, plane by plane."""
        (height, width), reach = estimate.shape[1:], self.card["guide_reach"]
        before = [cell % 2 for cell in cells]
        sides = zip(before, (height, width), strict=True)
        around = [(reach + first, reach + (first + side) % 2) for first, side in sides]
        corrections = []
        for plane in np.pad(estimate, [(0, 0), *around], mode="wrap").astype(np.float32):
            squares = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).transpose(1, 3, 0, 2)
            squares = squares.reshape(4, *squares.shape[2:])
            numbers = np.array(told, np.float32)[:, None, None]
            x = np.concatenate([squares, np.broadcast_to(numbers, (len(told), *squares.shape[1:]))])
            for layer in ("first", "second", "last"):
                name = f"corrections.{number}.{layer}"
                x = _convolved(x, rounds[f"{name}.weight"], rounds[f"{name}.bias"])
                x = x if layer == "last" else np.maximum(x, 0)
            joined = x.reshape(2, 2, *x.shape[1:]).transpose(2, 0, 3, 1).reshape(2 * x.shape[1], -1)
            corrections.append(joined[before[0] : before[0] + height, before[1] : before[1] + width])
        return np.stack(corrections)

    def _judged(self, step: dict[str, Any], choices: Array, shown: Array, levels: Array) -> Array:
        """The U-Net's mixture of the choices ``(C, n, H, W)``, corrected; piece by piece with its reach around."""
        height, width = choices.shape[2:]
        colours = shown if len(shown) == 3 else [shown[0]] * 3
        planes = np.concatenate([*colours, np.broadcast_to(levels[:, None, None], (len(levels), height, width))])
        judged = np.empty((len(choices), height, width), np.float32)
        for top in range(0, height, PIECE):
            for left in range(0, width, PIECE):
                first, start = max(0, top - self.reach), max(0, left - self.reach)
                piece = slice(first, top + PIECE + self.reach), slice(start, left + PIECE + self.reach)
                answer = self.unets[step["unet"]].run(None, {"planes": planes[None, :, *piece]})[0][0]
                correction, scores = answer[:3], answer[3:]
                if len(choices) == 1:
                    correction = correction.mean(axis=0, keepdims=True)
                shares = _softmax(np.array(step["choice"], np.float32)[:, None, None] + scores)
                mixed = (choices[:, :, *piece] * shares).sum(axis=1)
                better = expand(compress(mixed) + correction)
                kept = judged[:, top : top + PIECE, left : left + PIECE]
                kept[:] = better[:, top - first :, left - start :][:, : kept.shape[1], : kept.shape[2]]
        return judged


def _filled(blurred: Array, picture: Array, trust: Array, white: Array) -> Array:
    """What would have been observed: the photograph, the brighter where it clips, the estimate's blur where it ends."""
    lit = picture + white * (np.maximum(picture, blurred) - picture)
    return blurred + trust * (lit - blurred)


def _convolved(x: Array, kernels: Array, bias: Array) -> Array:
    """``(inputs, H, W)`` with 3 × 3 ``kernels``, where these fit: ``(outputs, H - 2, W - 2)``."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    found = np.broadcast_to(bias[:, None, None], (len(bias), height, width)).astype(np.float32)
    for row in range(3):
        for column in range(3):
            found += np.tensordot(kernels[:, :, row, column], x[:, row : row + height, column : column + width], 1)
    return found


def _passing(psf: Array, fineness: list[float], directions: int) -> Array:
    """How much contrast the PSF lets pass at each fineness: ``unblur.networks.rounds.passing_of``."""
    turns = np.arange(directions) * (np.pi / directions)
    waves = 2 * np.pi * np.array(fineness)[:, None]
    down = np.exp(1j * (waves * np.sin(turns))[..., None] * np.arange(psf.shape[0]))
    across = np.exp(1j * (waves * np.cos(turns))[..., None] * np.arange(psf.shape[1]))
    transfer = np.einsum("yx,fdy,fdx->fd", psf.astype(np.float64), down, across)
    return np.asarray((np.log((np.abs(transfer) ** 2).mean(axis=1) + 1e-5) + 4) / 3)


def _guide(estimate: Array, threshold: float, second: float) -> Array:
    """The estimate's shrunk first and second differences, put together again."""

    def after(values: Array, axis: int) -> Array:
        return np.roll(values, -1, axis) - values

    def before(values: Array, axis: int) -> Array:
        return np.roll(values, 1, axis) - values

    def shrunk(values: Array, weight: float = 1.0) -> Array:
        share = threshold / np.maximum(np.abs(values), threshold)
        return weight * values * (1 - share * np.sqrt(share))

    dx, dy = after(estimate, 2), after(estimate, 1)
    along = shrunk(dx) + after(shrunk(before(dx, 2), second), 2) + before(shrunk(after(dx, 1), 2 * second), 1)
    down = shrunk(dy) + after(shrunk(before(dy, 1), second), 1)
    return before(along, 2) + before(down, 1)


def extended(picture: Array, psf: Array) -> tuple[Array, Part]:
    """The photograph in a larger circular domain without a seam, and where it lies: ``unblur.boundary.extended``."""
    inside = []
    for axis, side in zip((1, 2), psf.shape, strict=True):
        length = picture.shape[axis]
        full = _fast(length + 2 * max(side, 2 * RING + 1), even=axis == 2)
        offset = (full - length) // 2
        inside.append(slice(offset, offset + length))
        positions = np.arange(-offset, full - offset) % full
        share = np.maximum(positions - length + 1, 0) / (full - length + 1)
        share = _smooth(2 * share - 0.5).astype(np.float32).reshape(-1, *[1] * (2 - axis))
        end, start = (picture.take(_mirror(places, length), axis=axis) for places in (positions, positions - full))
        picture = end + share * (start - end)
    return picture, (inside[0], inside[1])


def noise_levels(picture: Array) -> Array:
    """How noisy the U-Nets are told that a photograph is: ``unblur.networks.light.noise_levels``."""
    known: Any = (picture < WHITE_FROM) & (picture > BLACK_TO)
    levels, blocks = [], blockiness(picture)
    for scale in (1, 2):
        if min(picture.shape[1:]) < 2:
            levels.append(math.log(1e-3 / 1e-2))
            continue
        height, width = (side - side % 2 for side in picture.shape[1:])
        cells = picture[:, :height, :width].reshape(-1, height // 2, 2, width // 2, 2)
        known = known[:, :height, :width].reshape(cells.shape).all(axis=(2, 4))
        falling, rising = (
            cells[:, :, 0, :, 0] + cells[:, :, 1, :, 1],
            cells[:, :, 0, :, 1] + cells[:, :, 1, :, 0],
        )
        sizes = np.sort((np.abs(falling - rising) / 2)[known])
        sigma = scale * (sizes[(len(sizes) - 1) // 2] if len(sizes) else 0) / 0.6745
        levels.append(math.log((sigma + 1e-3) / 1e-2))
        picture = (falling + rising) / 4
    more = max(0.0, levels[1] - levels[0] - SCENE_GAP) * min(1.0, max(0.0, 1 - blocks / BLOCKY))
    return np.array([levels[0] + more, levels[1] + more, blocks], np.float32)


def blockiness(picture: Array) -> float:
    """How much larger steps between columns are at every eighth one: ``unblur.networks.light.blockiness``."""
    count = (picture.shape[2] - 3) // 8
    if count < 1:
        return 0.0
    rising = np.diff(picture, axis=2)
    bent = np.abs(rising[..., 1:-1] - (rising[..., :-2] + rising[..., 2:]) / 2)[..., : 8 * count]
    # Medians are the lower of two middle numbers, as PyTorch has them.
    phases = np.sort(np.sort(bent.mean(axis=(0, 1)).reshape(count, 8), axis=0)[(count - 1) // 2] + 1e-5)
    return min(2.0, math.log(phases[-1] / phases[3]))


def whiteness(picture: Array) -> Array:
    """Where a photograph is clipped, 0 to 1: ``unblur.networks.light.whiteness``."""
    return _smooth((picture - WHITE_FROM) / (WHITE_TO - WHITE_FROM))


def compress(light: Array) -> Array:
    """Light on the U-Nets' scale: unchanged up to white, logarithmic above."""
    return np.minimum(light, 1) + np.log(np.maximum(light, 1))


def expand(value: Array) -> Array:
    """The inverse of :func:`compress`."""
    return np.minimum(value, 1) - 1 + np.exp(np.clip(value - 1, 0, math.log(BRIGHTEST)))


def _smooth(share: Array) -> Array:
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _softmax(scores: Array) -> Array:
    shares = np.exp(scores - scores.max(axis=0))
    return shares / shares.sum(axis=0)


def _response(kernel: Array, size: tuple[int, ...]) -> Any:
    """The transfer function of a kernel with its origin in the middle."""
    placed = np.zeros(size, np.float32)
    placed[: kernel.shape[0], : kernel.shape[1]] = kernel
    return np.fft.rfft2(np.roll(placed, (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2)), axis=(0, 1)))


def _filtered(spectrum: Any, response: Any, size: tuple[int, ...]) -> Array:
    return np.fft.irfft2(spectrum * response, s=size)


def _mirror(positions: Any, length: int) -> Any:
    phase = positions % (2 * length)
    return np.where(phase < length, phase, 2 * length - 1 - phase)


def _fast(length: int, *, even: bool) -> int:
    """The next side without prime factors above 5, as the network's own transforms have it."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1 and not (even and length % 2):
            return length
        length += 1
