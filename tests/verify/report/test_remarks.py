"""Findings for a terminal: what is the same is said once, and nothing is dropped."""

from __future__ import annotations

from skyassay.verify.records import Finding
from skyassay.verify.report.remarks import common, remarks

TEXT = "has no checksums: a flipped bit in it reads as another number and cannot be seen."
TABLES = [f"table_{number}" for number in range(44)]
BARE = [Finding("no_page_checksums", "info", f"{name} {TEXT}", "Compare.") for name in TABLES]


def test_44_tables_are_one_line_with_every_name() -> None:
    (line,) = remarks(BARE)
    assert line.startswith(f"info: 44 × [no_page_checksums] … {TEXT} (Compare.) (table_0, table_1,")
    assert all(name in line for name in TABLES)
    assert line.count("flipped") == 1


def test_one_finding_is_a_sentence() -> None:
    one = Finding("odd", "warning", "This is odd.", "Look.", "a.b", "r")
    assert remarks([one]) == ["warning: This is odd. (Look.) [odd] [a.b, r]"]


def test_what_differs_by_more_is_said_each_or_the_first() -> None:
    found = [
        Finding("tail", "warning", "5 % beyond 2 mas; it is 3.", "Not Gaussian.", "m.ad1", "r"),
        Finding("tail", "warning", "1 % beyond 9 mas; it is 4.", "Not Gaussian.", "m.ad2", "i"),
    ]
    assert remarks(found) == [
        "warning: 2 × [tail] (Not Gaussian.):",
        "  5 % beyond 2 mas; it is 3. [m.ad1, r]",
        "  1 % beyond 9 mas; it is 4. [m.ad2, i]",
    ]
    (line,) = remarks(found, first=True)
    assert line.startswith("warning: 2 × [tail] 5 % beyond 2 mas; it is 3. [m.ad1, r] and 1 more")


def test_different_hints_stay_with_their_messages() -> None:
    found = [
        Finding("x", "warning", f"{word} it not too often.", hint)
        for word, hint in (("Do", "One."), ("Leave", "Two."))
    ]
    text = "\n".join(remarks(found))
    assert "Do it not too often. (One.)" in text and "Leave it not too often. (Two.)" in text


def test_the_same_message_in_several_bands() -> None:
    found = [Finding("x", "warning", "The same long message.", "", "m", band) for band in "gr"]
    (line,) = remarks(found)
    assert "The same long message." in line and "[m, g]" in line and "[m, r]" in line


def test_the_worst_come_first_and_codes_do_not_mix() -> None:
    mixed = [*BARE[:2], Finding("bad", "error", "Bad."), Finding("w", "warning", "Beware.")]
    assert [line.partition(":")[0] for line in remarks(mixed)] == ["error", "warning", "info"]
    assert len(remarks([*BARE[:2], Finding("other", "info", BARE[2].message)])) == 2


def test_common_words() -> None:
    assert common(["a has no b: it is bad.", "cc has no d: it is bad."]) == ("", ": it is bad.")
    assert common(["in band u.", "in band g."]) == ("in band ", "")
    assert common(["same text", "same text"]) == ("same text ", "")


def test_names_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in remarks([Finding("x", "info", "odd \x1b[31m")])[0]
