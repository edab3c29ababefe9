"""The product on its own certificate, as `make run` serves it: a browser gives it camera and microphone."""

import pytest

from tests.support import browser
from tests.support.pages import Pages
from tests.support.server import PASSWORD, serving


@pytest.mark.browser
async def test_over_its_own_certificate_the_first_meeting_can_begin(tmp_path, materials):
    async with (
        serving(tmp_path / "data", tls="auto") as server,
        browser.chromium(materials[0]) as participant,
    ):
        chair = Pages(participant, server.origin)
        await chair.sign_in("admin", PASSWORD)
        link = await chair.create_meeting("Họp qua kết nối bảo mật")
        assert link.startswith("https://")
        await chair.device_check(link, "Chủ trì")
        await chair.join()
        assert await chair.local_picture()
        participant.assert_no_faults()
