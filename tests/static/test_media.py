"""The browser's part of the media, in real Chromium with a far end in the same page: what it sends, what it asks for,
what it plays and what it tells."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from tests.support.browser import CHROMIUM, FLAGS
from tests.support.site import Site, serve

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SUPPORT = Path(__file__).parent / "support"
# Without a camera in use Chromium hides addresses behind names that only a network with multicast resolves.
OPEN_ADDRESSES = "--disable-features=WebRtcHideLocalIpsWithMdns"
LOUD = "--autoplay-policy=no-user-gesture-required"
MODULES = """
  const far = await import("/tests/static/support/far.js");
  const { openRoom } = await import("/tests/static/support/room.js");
  const { person, tracks, event } = await import("/tests/static/support/meetings.js");
"""
# A room of "me" and others who send camera and microphone; `window.room` is what openRoom gives.
OPEN_ROOM = (
    """async ({ others, send, kinds }) => {"""
    + MODULES
    + """
  const people = others.map(id => person(id, { tracks: tracks(...kinds) }));
  const source = key => (key.endsWith("/camera") ? far.picture(320, 180) : null);
  window.far = far;
  window.room = await openRoom([...people, person("me")], send ? { source } : {});
}"""
)
WANTED = """source => {
  const asked = window.room.server.sent.filter(({ event }) => event === "subscribe").map(({ data }) => data);
  const of = tracks => tracks.filter(track => track.source === source);
  return asked.map(({ tracks, speakers }) => ({ tracks: of(tracks), speakers }));
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with serve(tmp_path_factory.mktemp("media")) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        flags = [*FLAGS, OPEN_ADDRESSES, LOUD]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(site: Site, browser: Browser) -> AsyncIterator[Page]:
    """An empty page of ours that also gets the tests' own modules."""
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    page = await context.new_page()
    await page.route("**/tests/static/support/*", serve_support)
    await page.goto(site.url + "/nowhere?lang=en")
    yield page
    await context.close()


async def serve_support(route: Route) -> None:
    path = SUPPORT / route.request.url.rpartition("/")[2]
    await route.fulfill(body=path.read_text(), content_type="text/javascript")


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────

SENDER = """async () => {
  const far = await import("/tests/static/support/far.js");
  const { Publisher } = await import("/static/media/publisher.js");
  const taker = new far.FarTaker();
  let takers = [taker];
  const publisher = new Publisher({
    exchange: sdp => takers.at(-1).answer(sdp), configuration: () => ({}),
    state: () => undefined, doubted: () => undefined, strained: () => undefined,
  });
  await publisher.set({ camera: far.picture(960, 540) });
  await publisher.update();
  /** The encodings that send, by half a second of their frames. */
  const sending = async () => {
    const count = async () => {
      const frames = {};
      (await publisher.connection.getStats()).forEach(entry => {
        if (entry.type === "outbound-rtp") frames[entry.rid] = entry.framesSent;
      });
      return frames;
    };
    const before = await count();
    await far.pause(700);
    const after = await count();
    return Object.keys(after).filter(rid => after[rid] > (before[rid] ?? 0)).sort().join("");
  };
  const sends = rids => far.until(async () => (await sending()) === rids, `${rids || "nothing"} is sent`);
  const sender = () => publisher.connection.getSenders()[0];
  const planned = () => sender().getParameters().encodings.map(
    ({ rid, active, scaleResolutionDownBy, maxBitrate, scalabilityMode }) =>
      [rid, active, scaleResolutionDownBy, maxBitrate, scalabilityMode]);
  const another = () => { takers.push(new far.FarTaker()); };
  window.test = { far, publisher, taker, sends, planned, another, sender };
}"""
ALL = [
    ["l", True, 4, 100_000, "L1T3"],
    ["m", True, 2, 500_000, "L1T3"],
    ["h", True, 1, 1_300_000, "L1T3"],
]
ONLY_LOW = [[rid, rid == "l", *rest] for rid, _, *rest in ALL]


@pytest_asyncio.fixture(loop_scope="module")
async def sender(page: Page) -> Page:
    await page.evaluate(SENDER)
    await page.evaluate("test.sends('hlm')")
    return page


async def test_what_nobody_wants_is_not_sent(sender):
    assert await sender.evaluate("test.planned()") == ALL
    for rids in ("l", "lm", "", "hlm"):
        await sender.evaluate("rids => test.publisher.layers('camera', [...rids])", rids)
        await sender.evaluate("rids => test.sends([...rids].sort().join(''))", rids)


async def test_the_last_word_outlives_an_offer_and_another_camera(sender):
    await sender.evaluate("test.publisher.layers('camera', ['l'])")
    await sender.evaluate("test.publisher.renegotiate()")
    assert await sender.evaluate("test.taker.offers") == 2
    assert await sender.evaluate("test.planned()") == ONLY_LOW
    await sender.evaluate("test.publisher.set({ camera: test.far.picture(960, 540, 20) })")
    assert await sender.evaluate("test.planned()") == ONLY_LOW
    await sender.evaluate("test.sends('l')")


async def test_a_smaller_camera_is_sent_at_all_of_its_size(sender):
    """Chromium leaves out the largest of three encodings of so small a picture."""
    await sender.evaluate("test.publisher.set({ camera: test.far.picture(640, 360) })")
    await sender.evaluate("test.sends('lm')")
    assert [scale for _, _, scale, *_ in await sender.evaluate("test.planned()")] == [2, 1, 1]


async def test_a_new_connection_sends_all_until_it_is_told_otherwise(sender):
    """The server begins anew as well: to what had been paused before it would wait in vain."""
    await sender.evaluate("test.publisher.layers('camera', [])")
    await sender.evaluate("test.another(), test.publisher.rebuild()")
    await sender.evaluate("test.sends('hlm')")


async def test_wishes_in_a_row_or_for_nothing_disturb_nobody(sender):
    await sender.evaluate(
        """() => Promise.all([
          test.publisher.layers('screen', ['h']), test.publisher.layers('camera', ['m']),
          test.publisher.layers('camera', []), test.publisher.renegotiate(),
          test.publisher.layers('camera', ['h', 'x']), test.publisher.layers('camera', ['l']),
        ])"""
    )
    assert await sender.evaluate("test.planned()") == ONLY_LOW
    await sender.evaluate("test.publisher.close(), test.publisher.layers('camera', ['h'])")


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────


async def open_room(
    page: Page, others: list[str], *, send: bool = False, kinds: str = "camera microphone"
) -> None:
    await page.evaluate(OPEN_ROOM, {"others": others, "send": send, "kinds": kinds.split()})


async def wanted(page: Page, source: str = "camera") -> list[dict]:
    """What was asked for of one source, one after the other."""
    return await page.evaluate(WANTED, source)


async def until_wanted(page: Page, condition: str) -> None:
    """Wait until the last wants are so."""
    await page.wait_for_function(
        f"source => {{ const last = ({WANTED})(source).at(-1); return {condition}; }}", arg="camera"
    )


async def test_the_first_wants_know_the_sizes(page):
    await open_room(page, ["an"])
    await until_wanted(page, "last?.tracks.length === 1")
    (first, *_) = await wanted(page)
    box = await page.locator("dc-tile").first.bounding_box()
    assert first["tracks"][0]["width"] == pytest.approx(box["width"], rel=0.13)
    assert first["tracks"][0]["height"] == pytest.approx(box["height"], rel=0.13)


async def test_a_window_that_is_drawn_smaller_asks_once(page):
    await open_room(page, ["an", "binh"])
    await until_wanted(page, "last?.tracks.length === 2")
    before = await wanted(page)
    for width in range(1340, 700, -40):
        await page.set_viewport_size({"width": width, "height": 768})
    await until_wanted(page, f"last.tracks[0].width < {before[-1]['tracks'][0]['width']}")
    assert len(await wanted(page)) <= len(before) + 2


async def test_a_finer_screen_gets_finer_pictures(page, browser, site):
    context = await browser.new_context(viewport={"width": 800, "height": 600}, device_scale_factor=2)
    fine = await context.new_page()
    await fine.route("**/tests/static/support/*", serve_support)
    await fine.goto(site.url + "/nowhere?lang=en")
    await open_room(fine, ["an"])
    await until_wanted(fine, "last?.tracks.length === 1")
    box = await fine.locator("dc-tile").first.bounding_box()
    (first, *_) = await wanted(fine)
    assert first["tracks"][0]["width"] == pytest.approx(2 * box["width"], rel=0.13)
    await context.close()


async def test_who_has_no_tile_is_heard_among_the_loudest(page):
    await page.set_viewport_size({"width": 390, "height": 700})
    others = [f"p{number}" for number in range(30)]
    await open_room(page, others)
    await until_wanted(page, "last?.speakers === 5")
    pictures, voices = (await wanted(page))[-1]["tracks"], (await wanted(page, "microphone"))[-1]["tracks"]
    assert {one["participant_id"] for one in pictures} == {one["participant_id"] for one in voices}
    assert len(voices) < len(others)


# ── hearing and telling ──────────────────────────────────────────────────────────────────────────────────

PLAYED = """() => [...document.querySelectorAll("dc-sounds audio")].map(
  audio => [audio.dataset.mid, audio.dataset.participantId ?? null, audio.srcObject.getTracks()[0].id])"""


async def test_each_slot_plays_once_whoever_is_in_it(page):
    """Also when somebody gets a tile and with it a slot of their own."""
    await page.set_viewport_size({"width": 390, "height": 700})
    others = [f"p{number:02}" for number in range(30)]
    await open_room(page, others, send=True, kinds="microphone")
    await page.wait_for_function("() => room.session.sounds.length > 5")
    before = await page.evaluate(PLAYED)
    assert [owner for _, owner, _ in before][-5:] == [None] * 5
    named = {owner for _, owner, _ in before}
    late = next(one for one in reversed(others) if one not in named)
    await page.evaluate(
        "id => room.server.tell('speakers', { speakers: [{ participant_id: id, level: 0.5 }], dominant: id })",
        late,
    )
    await page.wait_for_function("id => document.querySelector(`audio[data-participant-id=${id}]`)", arg=late)
    after = await page.evaluate(PLAYED)
    for column in (0, 2):
        assert len({sound[column] for sound in after}) == len(after), "a slot is played twice"
    assert [sound for sound in after if sound[1] is None] == [sound for sound in before if sound[1] is None]


async def test_a_tile_tells_who_speaks_and_how_the_line_fares(page):
    await open_room(page, ["an", "binh"])
    tile = page.locator("dc-tile").first
    await page.evaluate(
        """() => {
          room.server.tell('speakers', { speakers: [{ participant_id: 'an', level: 0.5 }], dominant: 'an' });
          room.server.tell('quality', { links: {
            an: { score: 1.2, reason: 'loss' }, me: { score: 2.5, reason: 'bandwidth', up: {}, down: {} } } });
        }"""
    )
    await expect(tile.locator(".tile.speaking")).to_be_visible()
    await expect(tile.get_by_role("img", name="Connection: poor – data is being lost")).to_be_visible()
    own = page.locator("header").get_by_role("img", name="Connection: fair – too little bandwidth")
    await expect(own).to_be_visible()
    await page.evaluate("room.server.tell('speakers', { speakers: [], dominant: null })")
    await expect(page.locator(".tile.speaking")).to_have_count(0)


async def test_a_picture_that_stops_gives_way_to_a_word_and_comes_back(page):
    await open_room(page, ["an"], send=True, kinds="camera")
    note = page.get_by_text("No picture is coming in.")
    video = page.locator("video[data-participant-id=an]")
    await page.wait_for_function(
        "() => document.querySelector('video[data-participant-id=an]')?.videoWidth > 0"
    )
    await expect(note).to_have_count(0)
    await page.evaluate(
        "async () => { const { sender } = room.giver.slotOf('an/camera');"
        " window.kept = sender.track; await sender.replaceTrack(null); }"
    )
    await expect(note).to_be_visible(timeout=6000)
    await expect(video).to_have_css("opacity", "0")
    await page.evaluate("room.giver.slotOf('an/camera').sender.replaceTrack(kept)")
    await expect(note).to_have_count(0, timeout=6000)


async def test_what_is_shared_is_chosen_and_remembered(page):
    await open_room(page, ["an"])
    await page.evaluate("room.server.tell('events', [])")
    await page.get_by_role("button", name="What is shared").click()
    await page.get_by_label("Film, moving pictures").check()
    assert await page.evaluate("room.session.screenHint") == "motion"
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="What is shared")).to_be_focused()
    await expect(page.get_by_role("group", name="What is shared")).to_have_count(0)
    assert await page.evaluate("JSON.parse(localStorage['diemcau.join']).share") == "motion"
