"""Damage at random: every number makes one file, always the same one."""

import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.robust import samples

EXTREMES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
WORDS = ("nan", "inf", "-1", "0", "1e400", "10e30", '"text"', "[]", "{}", "true", "9" * 40, "[[[[1]]]]", "1979-05-27")


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """One file to try, and the door to try it at."""

    door: str
    """``restore``, ``psf``, ``recipe``, ``weights`` or ``state``."""
    what: str
    """The sample and what was done to it."""
    name: str
    """Of the file."""
    content: bytes


def damaged(number: int, seed: int = 0) -> Damaged:
    """Case number ``number`` of a run with this seed."""
    rng = random.Random(f"{seed}/{number}")
    return damaged_at(rng.choices(list(_SAMPLES), weights=(50, 20, 12, 12, 6))[0], rng)


def damaged_at(door: str, rng: random.Random) -> Damaged:
    """Some damaged file of a kind that is read at this door."""
    name, content = rng.choice(sorted(_SAMPLES[door]().items()))
    told = [name]
    if door in ("weights", "recipe") and rng.random() < 0.7:
        said, content = _forged(content, rng) if door == "weights" else _reworded(content, rng)
        told.append(said)
    else:
        content, said = with_damages(content, rng)
        told.append(said)
        if name.endswith(".png") and rng.random() < 0.7:
            content, told = _with_checksums(content), [*told, "checksums made right"]
    if rng.random() < 0.07:
        stem, ending = name.rsplit(".", 1)
        other = rng.choice([path.rsplit(".", 1)[1] for path in sorted(_SAMPLES[door]())])
        name, told = f"{stem}.{other}", [*told, f"named .{other} instead of .{ending}"]
    return Damaged(door=door, what=", ".join(told), name=name, content=content)


def with_damages(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """One to three damages, and their names."""
    told = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        damage = rng.choice(_DAMAGES)
        content = damage(content, rng)
        told.append(damage.__name__.strip("_"))
    return content, ", ".join(told)


def _cut_off(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _bits_flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    reach = len(changed) if rng.random() < 0.5 else min(300, len(changed))
    for _ in range(rng.choice((1, 2, 8, 64)) if reach else 0):
        changed[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _absurd_number(content: bytes, rng: random.Random) -> bytes:
    """A field of 2, 4 or 8 bytes, most often in the header, gets an extreme value."""
    size = rng.choice((2, 4, 8))
    if len(content) < size:
        return content
    reach = len(content) if rng.random() < 0.3 else min(600, len(content))
    place = rng.randrange(max(1, reach - size + 1))
    if rng.random() < 0.7:
        place -= place % 2
    value = rng.choice(EXTREMES) % 256**size
    field = value.to_bytes(size, rng.choice(("little", "big")))
    return content[:place] + field + content[place + size :]


def _overwritten(content: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(content) + 1), rng.randrange(1, 200)
    filling = rng.choice((b"\0", b"\xff", rng.randbytes(1))) * length
    return content[:start] + filling + content[start + length :]


def _doubled(content: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(content) + 1), rng.randrange(1, 400)
    return content[: start + length] + content[start:]


def _gap(content: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(content) + 1), rng.randrange(1, 200)
    return content[:start] + content[start + length :]


def _spliced(content: bytes, rng: random.Random) -> bytes:
    other = rng.choice(sorted(samples.photographs().items()))[1]
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other)) :]


def _noise(content: bytes, rng: random.Random) -> bytes:
    kept = rng.choice((0, 4, 8, 16, 32))
    return content[:kept] + rng.randbytes(rng.randrange(2000))


def _junk_at_the_end(content: bytes, rng: random.Random) -> bytes:
    return content + rng.randbytes(rng.randrange(1, 500))


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_cut_off, _bits_flipped, _bits_flipped, _absurd_number, _absurd_number, _absurd_number),
    *(_overwritten, _doubled, _gap, _spliced, _noise, _junk_at_the_end),
)
_SAMPLES: dict[str, Callable[[], samples.Samples]] = {
    "restore": samples.photographs,
    "psf": samples.psfs,
    "recipe": samples.recipes,
    "weights": samples.weights,
    "state": samples.states,
}


def _with_checksums(content: bytes) -> bytes:
    """A PNG whose chunks agree with their checksums again, so that the damage gets past the first look."""
    fixed, place = content[:8], 8
    while place + 12 <= len(content):
        length = struct.unpack_from(">I", content, place)[0]
        if place + 12 + length > len(content):
            break
        body = content[place + 4 : place + 8 + length]
        fixed += content[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return fixed + content[place:]


def _reworded(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A recipe in which a value, a key or a line is another."""
    lines = content.decode().splitlines()
    place = rng.choice([number for number, line in enumerate(lines) if "=" in line])
    key, _, value = lines[place].partition("=")
    kind = rng.randrange(4)
    if kind == 0:
        word = rng.choice(WORDS)
        lines[place] = f"{key}= {word}"
        return f"{key.strip()} is {word[:12]}", "\n".join(lines).encode()
    if kind == 1:
        lines[place] = f"{key.strip()}x ={value}"
        return f"{key.strip()}x is unknown", "\n".join(lines).encode()
    if kind == 2:
        lines.insert(place, rng.choice(lines))
        return "a line too many", "\n".join(lines).encode()
    deep = rng.choice((50, 5000, 200_000))
    lines[place] = f"{key}= {'[' * deep}{']' * deep}"
    return f"{deep} brackets deep", "\n".join(lines).encode()


def _forged(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Weights whose header lies: about lengths, types, offsets or what the card holds."""
    length = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8 : 8 + length])
    card = json.loads(header["__metadata__"]["card"])
    names = [name for name in header if name != "__metadata__"]
    kind = rng.randrange(6)
    if kind == 0:
        claim = rng.choice((0, 1, 2**31, 2**40, 2**62, 2**63, 2**64 - 1))
        return f"a header of {claim} bytes", struct.pack("<Q", claim) + content[8:]
    name = rng.choice(names)
    if kind == 1:
        header[name]["shape"] = rng.choice(([2**40], [2**31, 2**31, 4], [0], [], [1] * 70, [-1], [2**64]))
        told = f"{name} of shape {header[name]['shape']}"[:60]
    elif kind == 2:
        header[name]["dtype"] = rng.choice(("F64", "I8", "BOOL", "C64", "F8_E4M3", "F4", "O", "X", "BF16", "U64"))
        told = f"{name} of type {header[name]['dtype']}"
    elif kind == 3:
        header[name]["data_offsets"] = rng.choice(([0, 2**40], [5, 1], [-4, 0], [2**63, 2**63 + 4], [0, 0]))
        told = f"{name} at {header[name]['data_offsets']}"
    elif kind == 4:
        key = rng.choice(sorted(card))
        card[key] = rng.choice((None, -1, 2**40, 1e308, "text", [], {}, [[[]]], {"width": 2**31, "support": 2**31 - 1}))
        header["__metadata__"]["card"] = json.dumps(card)
        told = f"a card with {key} {str(card[key])[:30]}"
    else:
        card["sizes"] = rng.choice(
            (
                {"width": 2**20, "support": 2**20 - 1},
                {"width": 10**12, "support": 11},
                {"width": -4, "support": 11},
                {"width": 4.5, "support": 11},
                {"width": "4", "support": "11"},
                {"width": 4},
                {"width": 4, "support": 11, "more": 1},
                {},
            )
        )
        header["__metadata__"]["card"] = json.dumps(card)
        told = f"a card with sizes {card['sizes']}"
    written = json.dumps(header).encode()
    return told, struct.pack("<Q", len(written)) + written + content[8 + length :]
