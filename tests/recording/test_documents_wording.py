"""What the minutes say, before any format: sentences of the official form, in both languages."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recording.documents.compose import compose
from recording.minutes import assemble
from rooms.log import Moment
from rooms.participant import Kind
from rooms.permissions import Role
from tests.recording.meetings import crowded, eventful
from tests.rooms.story import CHAIR, DELEGATE, SECRETARY, Story

NO_BREAK = "\u00a0"
LOCALES = Path(__file__).parents[2] / "static" / "locales"


def said(story: Story, language="vi") -> list[str]:
    """Return the sentences, numbers parted from their units as one types them."""
    content = compose(assemble(story.log), language)
    return [
        text.replace(NO_BREAK, " ") for text in (*(block.text for block in content.blocks), content.closing)
    ]


VIETNAMESE = [
    "Thời gian bắt đầu: 08 giờ 00 phút, ngày 05 tháng 02 năm 2026.",
    "Địa điểm: Điểm cầu trung tâm: ",
    "Kết nối trực tuyến đến 01 điểm cầu (danh sách tại Phụ lục I kèm theo).",
    (
        "Hình thức: trực tuyến. Ghi âm, ghi hình: có, từ 08 giờ 01 phút đến 08 giờ 29 phút "
        "(tạm dừng từ 08 giờ 08 phút đến 08 giờ 14 phút)."
    ),
    "Thành phần tham dự:",
    "1. Tại các điểm cầu",
    "- Điểm cầu Quy Nhơn; có mặt từ 08 giờ 00 phút đến 08 giờ 29 phút.",
    "2. Tham dự trực tuyến với tư cách cá nhân",
    "- Ông (Bà) Nguyễn Thị Ủy, chủ trì; có mặt từ 08 giờ 00 phút đến 08 giờ 29 phút;",
    "- Bà Trần Thư, thư ký; có mặt từ 08 giờ 00 phút đến 08 giờ 29 phút;",
    (
        "- Ông (Bà) Lê Văn Đại, đại biểu; có mặt từ 08 giờ 00 phút đến 08 giờ 22 phút "
        "và từ 08 giờ 24 phút đến 08 giờ 29 phút."
    ),
    "3. Vắng mặt: ",
    "Chủ trì (chủ tọa): Ông (Bà) Nguyễn Thị Ủy, chức vụ: ",
    "Thư ký (người ghi biên bản): Bà Trần Thư, chức vụ: ",
    "I. KHAI MẠC",
    "II. NỘI DUNG BÁO CÁO, TRÌNH BÀY",
    "- Bà Trần Thư chia sẻ màn hình từ 08 giờ 03 phút đến 08 giờ 06 phút.",
    "III. Ý KIẾN PHÁT BIỂU, THẢO LUẬN",
    "1. Ý kiến phát biểu",
    "2. Đăng ký, xin phát biểu",
    "- 08 giờ 05 phút: Điểm cầu Quy Nhơn;",
    "- 08 giờ 21 phút: Ông (Bà) Lê Văn Đại.",
    "3. Trao đổi bằng văn bản",
    "- 08 giờ 07 phút - Ông (Bà) Lê Văn Đại: Đề nghị gửi lại tài liệu số 3.",
    "IV. BIỂU QUYẾT (nếu có)",
    "V. KẾT LUẬN CỦA CHỦ TRÌ",
    "VI. TÌNH HÌNH KỸ THUẬT",
    "- 08 giờ 13 phút: Điểm cầu Quy Nhơn mất kết nối, khôi phục sau 20 giây;",
    "- 08 giờ 19 phút: việc ghi âm, ghi hình bị gián đoạn do hết dung lượng lưu trữ;",
    "- 08 giờ 22 phút: Ông (Bà) Lê Văn Đại mất kết nối, khôi phục sau 2 phút 30 giây.",
    "Cuộc họp kết thúc vào 08 giờ 29 phút, ngày 05 tháng 02 năm 2026./.",
]


def test_vietnamese_in_this_order():
    sentences = said(eventful())
    places = [sentences.index(sentence) for sentence in VIETNAMESE]
    assert places == sorted(places)


def test_english_has_the_same_frame():
    content = {language: compose(assemble(eventful().log), language) for language in ("vi", "en")}
    assert [b.kind for b in content["vi"].blocks] == [b.kind for b in content["en"].blocks]
    english = said(eventful(), "en")
    assert "Started at: 08:00, 05 February 2026." in english
    assert "- Mr (Ms) Nguyễn Thị Ủy, chair; present from 08:00 to 08:29;" in english
    assert english[-1] == "The meeting ended at 08:29, 05 February 2026./."


def test_nothing_is_said_that_did_not_happen():
    story = Story()
    story.join("a", "Một người")
    sentences = said(story)
    assert "Hình thức: trực tuyến. Ghi âm, ghi hình: không." in sentences
    assert "Hệ thống không ghi nhận sự cố kết nối." in sentences
    assert any(sentence.startswith("Chủ trì (chủ tọa): .....") for sentence in sentences)
    for absent in ("1. Tại các điểm cầu", "Đăng ký, xin phát biểu", "Trao đổi bằng văn bản", "Xử lý: "):
        assert not any(absent in sentence for sentence in sentences)
    assert sentences[-1].startswith("Cuộc họp kết thúc vào .....")


def test_a_plan_can_be_printed_too():
    assert said(Story())[0].startswith("Thời gian bắt đầu: .....")


def test_the_platform_gives_no_number():
    assert re.fullmatch(r"Số: +/BB-\.+", compose(assemble(eventful().log), "vi").number)


def test_signatures_are_bare_names_of_whom_is_certain():
    secretary, chair = compose(assemble(eventful().log), "vi").signatures
    assert (secretary.title, secretary.name) == ("THƯ KÝ", "Bà Trần Thư")
    assert (chair.title, chair.name) == ("CHỦ TỌA", "Nguyễn Thị Ủy")
    story = Story()
    story.join(CHAIR, "Ông A", Role.CHAIR)
    story.join(SECRETARY, "Bà B", Role.CHAIR)
    assert [signature.name for signature in compose(assemble(story.log), "vi").signatures] == ["", ""]


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("Nguyễn A", Kind.PERSON, "Ông (Bà) Nguyễn A"),
        ("bà Nguyễn B", Kind.PERSON, "bà Nguyễn B"),
        ("Đồng chí C", Kind.PERSON, "Đồng chí C"),
        ("Ông Ích Khiêm", Kind.PERSON, "Ông Ích Khiêm"),
        ("Mr. John", Kind.PERSON, "Mr. John"),
        ("ms.Mary", Kind.PERSON, "ms.Mary"),
        ("Đ/c Lê D", Kind.PERSON, "Đ/c Lê D"),
        ("Msgr John", Kind.PERSON, "Ông (Bà) Msgr John"),
        ("Bàng D", Kind.PERSON, "Ông (Bà) Bàng D"),
        ("Quy Nhơn", Kind.ROOM, "Điểm cầu Quy Nhơn"),
        ("ĐIỂM CẦU Pleiku", Kind.ROOM, "ĐIỂM CẦU Pleiku"),
    ],
)
def test_names_are_addressed_once(name, kind, shown):
    story = Story()
    story.join(DELEGATE, name, Role.DELEGATE, kind)
    assert any(sentence.startswith(f"- {shown}") for sentence in said(story))


@pytest.mark.parametrize(
    ("typed", "signed"),
    [
        ("Ông Ích Khiêm", "Ông Ích Khiêm"),
        ("Bà Huyện", "Bà Huyện"),
        ("Đồng Chí Thanh", "Đồng Chí Thanh"),
        ("đồng chí Lê A", "Lê A"),
        ("Đ/c Lê A", "Lê A"),
        ("Mr. John", "John"),
        ("Mrs Mary", "Mary"),
    ],
)
def test_a_surname_is_signed_and_an_address_is_not(typed, signed):
    story = Story()
    story.join(CHAIR, typed, Role.CHAIR)
    assert compose(assemble(story.log), "vi").signatures[1].name == signed


def presences(count: int) -> Story:
    """Somebody comes at 08:00 and goes a minute later, and comes again every ten minutes."""
    story = Story()
    for _ in range(count):
        story.join(DELEGATE, "Lê Văn Đại")
        story.wait(59)
        story.tell(DELEGATE, story.meeting.leave(DELEGATE), 540)
    return story


def test_several_presences_are_listed_and_many_stand_in_the_annex():
    person = "- Ông (Bà) Lê Văn Đại, đại biểu; có mặt"
    three = (
        f"{person} từ 08 giờ 00 phút đến 08 giờ 01 phút, từ 08 giờ 10 phút đến 08 giờ 11 phút "
        "và từ 08 giờ 20 phút đến 08 giờ 21 phút."
    )
    assert three in said(presences(3))
    four = f"{person} 04 lần, từ 08 giờ 00 phút đến 08 giờ 31 phút (thời gian cụ thể tại Phụ lục I kèm theo)."
    assert four in said(presences(4))
    (row,) = compose(assemble(presences(4).log), "vi").annex.rows
    assert len(row[3].splitlines()) == len(row[4].splitlines()) == 4


@pytest.mark.parametrize(
    ("utc", "shown"),
    [
        (datetime(2026, 2, 5, 1, 0, tzinfo=UTC), "08 giờ 00 phút, ngày 05 tháng 02 năm 2026"),
        (datetime(2026, 1, 31, 17, 5, tzinfo=UTC), "00 giờ 05 phút, ngày 01 tháng 02 năm 2026"),
        (datetime(2026, 3, 31, 16, 59, tzinfo=UTC), "23 giờ 59 phút, ngày 31 tháng 3 năm 2026"),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), "00 giờ 00 phút, ngày 01 tháng 01 năm 2027"),
        (datetime(2026, 11, 22, 3, 4, tzinfo=UTC), "10 giờ 04 phút, ngày 22 tháng 11 năm 2026"),
    ],
)
def test_dates_of_viet_nam(utc, shown):
    story = Story()
    story.now = Moment(utc, 5)
    story.join("a")
    assert said(story)[0] == f"Thời gian bắt đầu: {shown}."


def test_after_midnight_the_date_is_said():
    story = Story()
    story.now = Moment(datetime(2026, 2, 5, 16, 30, tzinfo=UTC), 5)
    story.join(CHAIR, "A", Role.CHAIR)
    story.wait(3600)
    story.tell(CHAIR, story.meeting.end(CHAIR, "ended_by_chair"))
    assert "- Ông (Bà) A, chủ trì; có mặt từ 23 giờ 30 phút đến 00 giờ 30 phút ngày 06/02/2026." in said(
        story
    )
    (row,) = compose(assemble(story.log), "vi").annex.rows
    assert row[3:6] == ("23:30:00\n05/02/2026", "00:30:01\n06/02/2026", "1:00:01")


def test_annex_tells_to_the_second():
    annex = compose(assemble(eventful().log), "vi").annex
    assert [row[:6] for row in annex.rows][2:] == [
        ("3", "Điểm cầu Quy Nhơn", "Đại biểu", "08:00:03", "08:29:31", "0:29:28"),
        ("4", "Lê Văn Đại", "Đại biểu", "08:00:04\n08:24:30", "08:22:00\n08:29:31", "0:26:57"),
    ]
    assert [row[6] for row in annex.rows] == ["", "", "Mất kết nối: 1 lần", "Mất kết nối: 1 lần"]


def test_everybody_is_in_the_annex():
    assert len(compose(assemble(crowded(135, 0).log), "vi").annex.rows) == 135


def test_an_unknown_reason_is_not_shown_as_a_code():
    minutes = assemble(eventful().log)
    (recording,) = minutes.recordings
    odd = replace(recording, interruptions=(replace(recording.interruptions[0], reason="x_0x17"),))
    texts = [block.text for block in compose(replace(minutes, recordings=(odd,)), "vi").blocks]
    assert "- 08\u00a0giờ 19\u00a0phút: việc ghi âm, ghi hình bị gián đoạn;" in texts


def test_braces_that_people_type_stay():
    story = Story("{time} {hash} {0}")
    story.join(DELEGATE, "{name} {text}")
    story.tell(DELEGATE, story.meeting.say(DELEGATE, "{name} } {", "c1"))
    assert any(sentence.endswith("Ông (Bà) {name} {text}: {name} } {") for sentence in said(story))


def catalogue(language: str) -> dict[str, str]:
    return json.loads((LOCALES / language / "minutes.json").read_text(encoding="utf-8"))


def test_catalogues_have_the_same_keys_and_placeholders():
    placeholders = {
        language: {
            key: set(re.findall(r"{(\w+)}", sentence)) for key, sentence in catalogue(language).items()
        }
        for language in ("vi", "en")
    }
    assert placeholders["vi"] == placeholders["en"]
    assert all(key.startswith("minutes.") for key in placeholders["vi"])
