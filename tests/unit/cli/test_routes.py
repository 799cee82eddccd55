"""Which rows lines between two layers run in."""

from stretto.cli._drawing._routes import Net, place_tracks


def net(number, top, bottom):
    return Net(number, 1, ("a",), ("b",), top_columns=(top,), bottom_columns=(bottom,))


def test_a_line_that_comes_down_where_another_goes_down_runs_above_it():
    below, above = net(0, 12, 5), net(1, 5, 9)
    assert place_tracks([below, above], {}) == 2
    assert above.track < below.track


def test_lines_side_by_side_share_a_row():
    left, right = net(0, 1, 4), net(1, 9, 12)
    assert place_tracks([left, right], {}) == 1
    assert (left.track, right.track) == (0, 0)


def test_a_straight_line_needs_no_row():
    straight = net(0, 3, 3)
    assert place_tracks([straight], {}) == 0
    assert straight.track == -1


def test_lines_that_wait_for_each_other_are_placed_all_the_same():
    one, other = net(0, 3, 7), net(1, 7, 3)
    assert place_tracks([one, other], {}) == 2
    assert {one.track, other.track} == {0, 1}


def test_a_line_to_a_rail_keeps_its_row_for_itself_up_to_there():
    rail = Net(0, 1, ("a",), (), rail=0, top_columns=(2,))
    beside = net(1, 6, 9)
    assert place_tracks([rail, beside], {0: 20}) == 2
