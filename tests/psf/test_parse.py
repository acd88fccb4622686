import pytest
import torch

from unblur.errors import PsfError
from unblur.psf.parametric import delta, disk, gauss, motion, polygon
from unblur.psf.parse import GRAMMAR, looks_like_grammar, parse_psf
from unblur.psf.random import shake_seeded


def test_each_shape_is_the_formula_that_it_names() -> None:
    for text, expected in {
        "disk:7.5": disk(7.5),
        "gauss:1.5": gauss(1.5),
        "gauss:4,1.5,30": gauss(4, 1.5, 30),
        "motion:15,30": motion(15, 30),
        "polygon:6,9.5": polygon(6, 9.5),
        "shake:27,seed=3": shake_seeded(27, 3),
        "delta": delta(),
    }.items():
        assert torch.equal(parse_psf(text), expected), text


def test_capitals_and_spaces_do_not_matter() -> None:
    assert torch.equal(parse_psf("  Motion: 15, 30 "), motion(15, 30))
    assert torch.equal(parse_psf("shake:27, Seed = 3"), shake_seeded(27, 3))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dsik:7", "did you mean disk:7.5"),
        ("gaussian:2", "did you mean gauss:1.5"),
        ("zzz:7", "expected one of disk, gauss, motion, polygon, shake, delta"),
        ("", "is no PSF that is known"),
        ("disk", "has 0 numbers, expected disk:R; write disk:7.5"),
        ("disk:", "has 0 numbers"),
        ("disk:1,2", "has 2 numbers"),
        ("disk:seven", "'seven', which is not a number"),
        ("disk:nan", "is nan, expected a number of pixels"),
        ("disk:-3", "is -3, expected a number of pixels"),
        ("disk:1e9", "up to 2000"),
        ("gauss:1,2", "expected gauss:S or gauss:S1,S2,ANGLE"),
        ("gauss:1,2,", "'', which is not a number"),
        ("motion:15", "has 1 numbers, expected motion:LENGTH,ANGLE"),
        ("polygon:5.5,7", "has 5.5 sides"),
        ("polygon:nan,7", "has nan sides"),
        ("polygon:2,7", "expected 3 to 64"),
        ("shake:27", "expected shake:SIZE,seed=N; write shake:27,seed=3"),
        ("shake:27,3", "expected shake:SIZE,seed=N"),
        ("shake:27,seed=-1", "expected shake:SIZE,seed=N"),
        ("shake:27,seed=9999999999999999999", "expected a whole number from 0"),
        ("shake:28,seed=1", "expected an odd side"),
        ("delta:3", "expected delta"),
    ],
)
def test_says_what_is_wrong_and_shows_how_to_write_it(text: str, complaint: str) -> None:
    with pytest.raises(PsfError) as caught:
        parse_psf(text)

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_grammars_own_examples_can_be_read() -> None:
    examples = GRAMMAR.splitlines()[-1].removeprefix("For instance ").removesuffix(".").split(", ")

    assert len(examples) == 5
    for example in examples:
        parse_psf(example)


@pytest.mark.parametrize("text", ["disk:7.5", "dsik:7", "delta", "shake:27,seed=3", "disk:7.npy"])
def test_a_family_and_a_colon_look_like_a_shape(text: str) -> None:
    assert looks_like_grammar(text)


@pytest.mark.parametrize("text", ["psf.png", "folder/disk:7.npy", r"C:\psf.png", "C:psf", "disk", ""])
def test_names_of_files_do_not_look_like_a_shape(text: str) -> None:
    assert not looks_like_grammar(text)
