"""What U-Nets see and judge of a piece: the whole's own cells, and no more of them than count."""

from itertools import pairwise

import pytest

from unblur.boundary import Arc
from unblur.networks.facts import RING, region_around
from unblur.networks.sight import Sight, cut, sights

LENGTH, FULL = 101, 180
"""Of the photograph and of its circle; 101 and the ring are 15 cells."""
PSF = (5, 7)


def across(start: int, stop: int, wanted: slice, reaches: list[int], *, inside: int = 30) -> Sight:
    """Of a piece whose columns are these; the domain has 30 more on either side unless they are the circle."""
    columns = Arc(start=start, stop=stop, length=LENGTH, full=FULL, wanted=wanted)
    rows = Arc(start=0, stop=LENGTH, length=LENGTH, full=FULL, wanted=slice(0, 8))
    begin = 0 if columns.circular else inside
    size = stop - start + 2 * begin
    return sights((rows, columns), (slice(30, 131), slice(begin, begin + stop - start)), (161, size), reaches, PSF)[1]


def as_in_photograph(sight: Sight, ranges: tuple[slice, ...]) -> list[tuple[int, int]]:
    return [(part.start - sight.origin, part.stop - sight.origin) for part in ranges]


def test_of_a_photograph_as_a_whole_all_is_seen_and_judged_in_every_step() -> None:
    inside = (slice(20, 83), slice(31, 132))

    rows, columns = sights(None, inside, (103, 163), [24, 24], PSF)

    assert rows.seen == (region_around(inside)[0],)
    assert columns.judged == ((region_around(inside)[1],),) * 2
    assert (rows.origin, columns.origin) == (20, 31)
    assert columns.left(1, 163) == [slice(0, 23), slice(143, 163)]


def test_the_last_step_judges_the_cells_of_what_is_wanted_and_each_before_what_the_next_looks_at() -> None:
    sight = across(-60, 100, slice(0, 41), [16, 16])

    assert as_in_photograph(sight, sight.judged[1]) == [(0, 48)]
    # 16 of the U-Net and the PSF's 7 columns more; before the photograph there is nothing but its ring.
    assert as_in_photograph(sight, sight.judged[0]) == [(-RING, 64)]
    assert as_in_photograph(sight, sight.seen) == [(-RING, 80)]


def test_beyond_the_frame_the_opposite_side_is_judged_in_its_own_cells() -> None:
    sight = across(-110, 60, slice(0, 8), [40, 40, 40])

    # Of the photograph from -180 to -79 the cells begin at multiples of 8 from there, and end with the ring at -68.
    assert as_in_photograph(sight, sight.judged[0]) == [(-100, -68), (-8, 64)]
    assert (FULL - 100) % 8 == 0
    assert as_in_photograph(sight, sight.judged[2]) == [(0, 8)]
    assert sight.region == slice(sight.seen[0].start, sight.seen[-1].stop)


def test_on_all_of_the_circle_what_is_near_goes_round() -> None:
    sight = across(-40, FULL - 40, slice(96, 101), [24, 56])

    assert sight.origin == 40
    assert as_in_photograph(sight, sight.judged[1]) == [(96, 104)]
    # 96 - 56 - 7 to the left; to the right the circle's next photograph, whose first column is 180, stays out of reach.
    assert as_in_photograph(sight, sight.judged[0]) == [(32, 112)]
    far = across(-40, FULL - 40, slice(96, 101), [8, 90])
    assert as_in_photograph(far, far.judged[0]) == [(-8, 112)]  # what would be two ranges within a reach is one


def test_pieces_are_counted_from_the_region_and_know_what_is_seen_around_them() -> None:
    sight = across(-110, 60, slice(0, 8), [40, 40, 40])
    first = sight.region.start

    pieces = sight.pieces(0, 32)

    assert [slice(part.start + first, part.stop + first) for part, _ in pieces] == [
        piece for part in sight.judged[0] for piece in cut(part, 32)
    ]
    assert all(around.start <= part.start < part.stop <= around.stop for part, around in pieces)
    assert len({(around.start, around.stop) for _, around in pieces}) == 2


@pytest.mark.parametrize(("length", "largest"), [(96, 32), (104, 48), (8, 500), (400, 56)])
def test_cuts_are_whole_cells_and_together_the_range(length: int, largest: int) -> None:
    parts = cut(slice(11, 11 + length), largest)

    assert [parts[0].start, parts[-1].stop] == [11, 11 + length]
    assert all((part.start - 11) % 8 == 0 and 0 < part.stop - part.start <= largest + 8 for part in parts)
    assert all(part.stop == following.start for part, following in pairwise(parts))


def test_what_is_not_judged_is_what_lies_between() -> None:
    sight = Sight(seen=(slice(4, 20), slice(40, 60)), judged=((slice(4, 12), slice(44, 60)),), origin=12)

    assert sight.left(0, 70) == [slice(0, 4), slice(12, 44), slice(60, 70)]
