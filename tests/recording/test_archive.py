"""Names, finishing, listing; and the ledger beside the files."""

import hashlib
from pathlib import Path

import pytest

from recording import ledger
from recording.archive import Folder, SegmentName, is_identifier
from recording.errors import FolderInvalid
from recording.gaps import Gap, Pauses


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("anna-camera-1.webm", SegmentName("anna", "camera", 1)),
        ("a-b-screen_audio-12.webm", SegmentName("a-b", "screen_audio", 12)),
        ("a-screen-camera-3.webm", SegmentName("a-screen", "camera", 3)),
        ("anna-camera-0.webm", None),
        ("anna-window-1.webm", None),
        ("-camera-1.webm", None),
        ("anna-camera-1.webm.part", None),
        ("../anna-camera-1.webm", None),
        ("anna-camera-1.webm\n", None),
        ("ledger.jsonl", None),
    ],
)
def test_names_are_read_back_or_refused(text, name):
    assert SegmentName.parse(text) == name
    assert name is None or str(name) == text


@pytest.mark.parametrize("text", ["", "..", "a/b", "a\0b", "-a", "a" * 101, "ă", "a b", "a\n"])
def test_what_could_leave_the_folder_is_no_identifier(text):
    assert not is_identifier(text)


@pytest.mark.parametrize("directory", ["relative", "/proc/nowhere/rec", "/dev/null/rec"])
def test_a_folder_that_cannot_be_is_refused(directory):
    with pytest.raises(FolderInvalid):
        Folder.create(directory)


def test_a_finished_file_has_its_name_size_and_hash(tmp_path: Path):
    folder = Folder.create(str(tmp_path / "a" / "b"))
    name = SegmentName("anna", "camera", 3)
    folder.open_path(name).write_bytes(b"x" * 3_000_000)
    assert folder.unfinished() == [name]
    assert folder.part_numbers() == {("anna", "camera"): 3}
    folder.finish(folder.open_path(name), name)
    assert (folder.unfinished(), folder.finished()) == ([], [name])
    assert folder.size_and_hash(name) == (3_000_000, hashlib.sha256(b"x" * 3_000_000).hexdigest())


def test_the_ledger_survives_a_broken_last_line(tmp_path: Path):
    path = tmp_path / "ledger.jsonl"
    with ledger.Ledger(path) as book:
        book.append({"part": "a.webm", "start_ms": 5})
        book.append({"gap": "a.webm", "start_ms": 10, "end_ms": 20, "reason": "loss"})
    with path.open("ab") as file:
        file.write(b'{"gap":"a.webm","start')
    with ledger.Ledger(path) as book:
        book.append({"gap": "a.webm", **Gap.whole(2000, 2500, "loss").as_dict()})
        book.append({"gap_open": "a.webm", "start_ms": 2600, "reason": "muted"})
    account = ledger.Account(path)
    assert account.gaps("a.webm", 3000) == [
        Gap(10, 20, "loss", 10),
        Gap(2000, 2500, "loss", 500),
        Gap(2600, 3000, "muted", 400),
    ]
    assert account.gaps("a.webm", 2200) == [Gap(10, 20, "loss", 10), Gap(2000, 2200, "loss", 200)]
    assert ledger.Account(tmp_path / "none").gaps("a.webm", 9) == []


@pytest.mark.parametrize(
    ("at_ms", "covered"),
    [(999, False), (1000, True), (1999, True), (2000, False), (4999, False), (5000, True), (9**9, True)],
)
def test_pauses_cover_from_begin_to_end(at_ms, covered):
    pauses = Pauses()
    for begin, end in ((1000, 2000), (5000, None)):
        pauses.begin(begin)
        pauses.begin(begin + 100)
        if end is not None:
            pauses.end(end)
            pauses.end(end + 100)
    assert pauses.covers(at_ms) is covered
    assert pauses.between(0, 900) is None
    assert pauses.between(900, 3000) == 1000
    assert pauses.between(2100, 4000) is None
    assert pauses.between(4000, 6000) == 5000
