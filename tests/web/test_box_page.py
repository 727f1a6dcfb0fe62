"""The page beside the control API: who gets it, what its policy lets in, and who may call from where."""

import pytest
from aiohttp import ClientSession
from support.running_boxes import ToldBox

from hbprobe import warp
from hbprobe.web.box_page import PagedControl, PagedToxiproxy

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def ask():
    """What asks the API of one box: method, path and headers each; returns status, headers and text of each."""

    def asked(*requests, token=None, box=None):
        async def main():
            control = PagedControl([box or ToldBox()], lambda: None, token)
            host, port = await control.listen("127.0.0.1", 0)
            answers = []
            try:
                async with ClientSession(f"http://{host}:{port}") as session:
                    for method, path, headers in requests:
                        named = {name: value.format(port=port) for name, value in headers.items()}
                        async with session.request(method, path, headers=named) as response:
                            answers.append((response.status, dict(response.headers), await response.text()))
            finally:
                await control.close()
            return answers

        return warp.run(main(), warp.ScaledClock())

    return asked


def test_a_browser_gets_the_page_and_a_program_the_boxes(ask):
    page, boxes = ask(("GET", "/", HTML), ("GET", "/", {"Accept": "*/*"}))
    assert page[1]["Content-Type"].startswith("text/html") and page[2].startswith("<!DOCTYPE html>")
    assert boxes[1]["Content-Type"].startswith("application/json") and '"cisco-asa"' in boxes[2]


def test_the_policy_lets_nothing_strange_in(ask):
    ((_, headers, _), script) = ask(("GET", "/", HTML), ("GET", "/box.js", {}))
    assert "script-src 'self'" in headers["Content-Security-Policy"] and "unsafe" not in str(headers)
    assert script[1]["Content-Type"].startswith("text/javascript") and "/page.js" in script[2]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://localhost:{port}"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example", "Host": "evil.example"}, 403),
        ({"Origin": "http://localhost:{port}", "Host": "localhost:{port}"}, 200),
        ({"Host": "evil.example"}, 403),
    ],
)
def test_only_its_own_page_may_call(ask, headers, status):
    box = ToldBox()
    assert ask(("DELETE", "/boxes/0/flows/1", headers), box=box)[0][0] == status
    assert bool(box.asked) == (status == 200)


def test_a_token_is_asked_of_a_browser_too(ask):
    assert [status for status, *_ in ask(("GET", "/", HTML), ("GET", "/box.js", {}), token="secret")] == [401, 401]


@pytest.fixture
def toxiproxy():
    """What asks Toxiproxy's API as a browser does: path and headers each; returns status and text of each."""

    def asked(*requests, token=None, listen="127.0.0.1"):
        async def main():
            api = PagedToxiproxy(token)
            _, port = await api.listen(listen, 0)
            answers = []
            try:
                async with ClientSession(
                    f"http://127.0.0.1:{port}", headers={"User-Agent": "Mozilla/5.0"}
                ) as session:
                    for path, headers in requests:
                        named = {name: value.format(port=port) for name, value in headers.items()}
                        async with session.get(path, headers=named) as response:
                            answers.append((response.status, await response.text()))
            finally:
                await api.close()
            return answers

        return warp.run(main(), warp.ScaledClock())

    return asked


def test_the_fault_proxy_has_the_same_page_and_no_other_may_call(toxiproxy):
    own, own_host = {"Sec-Fetch-Site": "same-origin"}, "http://127.0.0.1:{port}"
    page, script, calls, *answers = toxiproxy(
        ("/", HTML),
        ("/box.js", {}),
        ("/api.js", {}),
        ("/proxies", own),
        ("/proxies", own | {"Origin": own_host}),
        ("/proxies", {}),
        ("/proxies", {"Sec-Fetch-Site": "cross-site"}),
        ("/proxies", own | {"Origin": "http://evil.example"}),
        ("/proxies", own | {"Host": "evil.example"}),
        ("/", HTML | {"Host": "evil.example"}),
    )
    assert page[1].startswith("<!DOCTYPE html>") and "/api.js" in script[1] and "/proxies" in calls[1]
    assert [status for status, _ in answers] == [200, 200, 403, 403, 403, 403, 403]


@pytest.mark.parametrize(("token", "listen", "status"), [("secret", "127.0.0.1", 401), (None, "0.0.0.0", 403)])
def test_with_a_token_or_beyond_loopback_it_has_none(toxiproxy, token, listen, status):
    own = {"Sec-Fetch-Site": "same-origin"}
    assert {code for code, _ in toxiproxy(("/", HTML), ("/proxies", own), token=token, listen=listen)} == {status}
