"""The console page in a real browser: what people see and do, and what the page must never do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import chromium
import pytest
import urllib3

import qianfan.local

JOB = {
    "taskId": 101,
    "baseTrainType": "ERNIE-Bot-turbo",
    "trainType": "ERNIE-Bot-turbo-0922",
    "trainMode": "SFT",
    "peftType": "LoRA",
    "trainConfig": {"epoch": 4, "learningRate": 0.00002, "maxSeqLen": 4096},
    "trainset": [{"type": 1, "id": 1}],
    "trainsetRate": 20,
}
VIEWS = ("chat", "calls", "models", "jobs", "services", "faults", "clock")
ENTER = ("Enter", 13, "\r")
ANSWERED = "document.querySelector('#talk article:last-child p.dim')?.textContent"

#: Where `IMAGES=docs/images scripts/test tests/browser` leaves the pictures of the guide.
IMAGES = os.environ.get("IMAGES")


async def ask(page, text):
    """Say something in the playground and wait for the whole answer."""
    await page.until("document.querySelectorAll('#chat-model option').length > 5")
    await page.click("#chat-text")
    await page.type(text)
    await page.press(*ENTER)
    await page.until(ANSWERED)
    return await page.run("document.querySelector('#talk article.assistant:last-child .text').textContent")


async def go(page, view):
    """Go to a view by its link."""
    await page.click(f"nav a[href='#{view}']")
    await page.until(f"!document.querySelector('#view-{view}').hidden")


@pytest.fixture
def tuned(platform):
    """A job that runs."""
    with platform.client() as client:
        client.finetune.create_task(name="客服问答")
        client.finetune.create_job(JOB)


async def test_a_chat_streams(platform, console):
    """What is said is answered bit by bit, by the chosen model, with the given settings."""
    async with console() as page:
        await page.until("document.querySelectorAll('#chat-model option').length > 5")
        await page.run(
            """window.seen = new Set(); new MutationObserver(() => window.seen.add(
            document.querySelector('#talk article.assistant .text')?.textContent.length))
            .observe(document.querySelector('#talk'), {childList: true, subtree: true, characterData: true})"""
        )
        await page.click("#chat-system")
        await page.type("你是一位老师")
        await page.click("#chat-temperature")
        await page.type("0.3")
        answer = await ask(page, "用一句话介绍杭州")
        sizes = await page.run("window.seen.size")

    call = platform.calls("chat").last
    assert "杭州" in answer
    assert sizes > 3
    assert call.body["temperature"] == 0.3
    assert [message["role"] for message in call.messages] == ["system", "user"]


async def test_escape_stops_an_answer(platform, console):
    """Esc ends a stream, and the conversation goes on from there."""
    platform.freeze()  # so that no second event ever comes
    async with console() as page:
        await page.until("document.querySelectorAll('#chat-model option').length > 5")
        await page.click("#chat-text")
        await page.type("讲个故事")
        await page.press(*ENTER)
        await page.until("document.querySelector('#talk article.assistant .text')?.textContent")
        await page.press("Escape", 27)
        await page.until(ANSWERED)
        platform.unfreeze()
        await ask(page, "继续")

    assert [it["role"] for it in platform.calls("chat").last.messages] == ["user", "assistant", "user"]


async def test_a_function_is_called_and_its_result_given(platform, console):
    """A model that calls a function waits for what the user gives as its result."""
    platform.reply("天气", calls=[("get_weather", {"city": "北京"})]).then(with_="北京晴")
    tools = json.dumps([{"name": "get_weather", "description": "天气", "parameters": {"type": "object"}}])
    async with console() as page:
        await page.until("document.querySelectorAll('#chat-model option').length > 5")
        await page.click("#chat-tools")
        await page.type(tools)
        await ask(page, "北京天气怎么样？")
        await page.until("document.querySelector('#talk form input') === document.activeElement")
        await page.type('{"sky": "晴"}')
        await page.press(*ENTER)
        await page.until("document.querySelector('#talk article:last-child .text').textContent === '北京晴'")
        await page.until(ANSWERED)


async def test_the_journal_is_live_and_filtered(platform, console):
    """Calls appear as they come; `/` leads to the filter; a call shows all of itself."""
    async with console() as page:
        await go(page, "calls")
        with platform.client() as client:
            client.chat.do(messages=[{"role": "user", "content": "<img src=x onerror=alert(1)>"}])
        await page.until("document.querySelectorAll('#calls-list tr').length === 2")
        await page.press("/", 191, "/")
        await page.until("document.activeElement.id === 'calls-text'")
        await page.type("onerror")
        await page.until("document.querySelectorAll('#calls-list tr').length === 1")
        await page.click("#calls-list button")
        shown = await page.until("document.querySelector('#call pre')?.textContent")

        assert "<img src=x" in shown
        assert await page.run("document.querySelectorAll('#call img, #calls-list img').length") == 0
        assert await page.run("document.querySelectorAll('#call [data-copy]').length") == 2


@pytest.mark.usefixtures("tuned")
async def test_a_job_moves(console):
    """A job goes on as the clock does, and its loss curve is drawn."""
    async with console() as page:
        await go(page, "jobs")
        assert await page.until("document.querySelector('#jobs progress')") is not None
        await page.click("#jobs-advance")
        await page.until("document.querySelector('#jobs progress').value === 100")
        points = await page.run(
            "document.querySelector('#jobs polyline').getAttribute('points').split(' ').length"
        )

    assert points > 10


async def test_a_fault_switches(platform, console):
    """A switch turns a fault on and off, and tells both to who cannot see it."""
    async with console() as page:
        await go(page, "faults")
        first = "#faults [role=switch]"
        await page.until(f"document.querySelector('{first}')?.getAttribute('aria-checked') === 'false'")
        await page.click(first)
        await page.until(f"document.querySelector('{first}').getAttribute('aria-checked') === 'true'")
        assert [repr(it.fault) for it in platform.faults] == [
            'on("chat", every=2).status(429, retry_after=1)'
        ]
        await page.click(first)
        await page.until(f"document.querySelector('{first}').getAttribute('aria-checked') === 'false'")

    assert len(platform.faults) == 0


async def test_the_clock_stops_and_moves(console):
    """The clock is stopped and moved on."""
    async with console() as page:
        await go(page, "clock")
        await page.click("#clock-frozen")
        await page.until("document.querySelector('#clock-frozen').getAttribute('aria-checked') === 'true'")
        await page.click("[data-step=h1]")
        await page.until("/01:00:0/.test(document.querySelector('#clock-offset').textContent)")


async def test_quotas_are_set(console):
    """A limit that is filled in holds from then on."""
    async with console() as page:
        await go(page, "faults")
        await page.until("document.querySelector('#faults [role=switch]')")  # all is there, and moves no more
        await page.click("#quota-rpm")
        await page.type("3")
        await page.click("#quota-form button")
        await page.until("document.querySelector('#said').textContent")
        await go(page, "chat")
        await go(page, "faults")
        await page.until("document.querySelector('#quota-rpm').value === '3'")


@pytest.mark.usefixtures("tuned")
async def test_everything_has_a_name(console):
    """Whatever can be used by keyboard has a name that a screen reader can say, in both languages."""
    unnamed = """[...document.querySelectorAll('main section:not([hidden]) :is(button, input, select, textarea), header button')]
        .filter((it) => !(it.getAttribute('aria-label') || it.textContent.trim() || it.labels?.[0]?.textContent.trim()))
        .map((it) => it.id || it.outerHTML)"""
    async with console(language="en") as page:
        for _ in range(2):
            for view in VIEWS:
                await go(page, view)
                assert await page.run(unnamed) == []
                assert (
                    await page.run(
                        "[...document.querySelectorAll('[data-t]')].filter((it) => it.textContent === it.dataset.t).length"
                    )
                    == 0
                )
            await page.click("#language")


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize("dark", [False, True])
async def test_no_view_is_wider_than_the_screen(console, dark):
    """Nothing sticks out, on a desk or in a hand, and words stand out from their ground."""
    async with console(dark=dark) as page:
        await ask(page, "用一句话介绍杭州")
        for size in ((1280, 800), (390, 800)):
            await page.resize(*size)
            for view in VIEWS:
                await go(page, view)
                wide = "[document.documentElement, document.querySelector('main')].map((it) => it.scrollWidth - it.clientWidth)"
                assert await page.run(wide) == [0, 0], (view, size)
                assert await page.run(CONTRASTS) == [], view


#: The texts whose contrast is below that of WCAG's AA; grounds that are no plain colour do not occur.
CONTRASTS = """(() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = ([r, g, b]) => [r, g, b].map((it) => it / 255)
        .map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
        .reduce((sum, it, index) => sum + it * [0.2126, 0.7152, 0.0722][index], 0);
    const ground = (it) => { for (; it; it = it.parentElement) {
        const colour = rgb(getComputedStyle(it).backgroundColor); if (colour[3] === 255) return colour; } };
    const bad = [];
    for (const it of document.querySelectorAll('body *')) {
        if (![...it.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) || !it.checkVisibility()) continue;
        const style = getComputedStyle(it);
        const [a, b] = [light(rgb(it instanceof SVGElement ? style.fill : style.color)), light(ground(it))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) bad.push(`${it.tagName} ${it.className} ${contrast.toFixed(2)}`);
    }
    return bad;
})()"""


async def test_languages_and_themes_are_switched_and_kept(console):
    """Language and theme follow the system until they are switched, and stay so."""
    async with console(dark=True) as page:
        assert await page.run("document.documentElement.lang") == "zh-CN"
        ground = "getComputedStyle(document.body).backgroundColor"
        dark = await page.run(ground)
        await page.click("#theme")
        assert await page.run(ground) != dark
        await page.click("#language")
        assert await page.run("document.querySelector('nav a').textContent") == "Playground"
        await page.send("Page.reload")
        await page.until("document.querySelector('nav a')?.textContent === 'Playground'")
        assert await page.run("document.documentElement.dataset.theme") == "light"


async def test_who_opens_a_platform_to_others_gives_its_token():
    """A platform that lets other machines in asks for its admin token, again where it is wrong, until the tab closes."""
    with qianfan.local.platform(allow_remote=True) as platform:
        async with chromium.opened(platform.url) as page:
            for given in ("no-token-of-this-one", platform.admin_token):
                await page.until("document.querySelector('#login').open")
                await page.type(given)  # the field has the focus
                await page.press(*ENTER)
                await page.until("!document.querySelector('#login').open")
                if given != platform.admin_token:
                    await page.until("document.querySelector('#login-wrong').textContent")
            await ask(page, "你好")
            await page.send("Page.reload")
            await page.until("document.querySelectorAll('#chat-model option').length > 5")
            unwanted = [
                it for it in page.complaints if "401" not in json.dumps(it)
            ]  # the browser tells of those

        assert platform.calls("chat").last.status == 200
        assert unwanted == []
        assert platform.admin_token not in str(page.requested)


def test_the_page_is_served_with_a_strict_policy(platform):
    """No script, style, picture or connection but the page's own, and no page around it."""
    with urllib3.PoolManager() as http:
        for path in ("/", "/_page/app.js", "/_page/style.css"):
            headers = http.request("GET", platform.url + path).headers
            policy = dict(
                part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
            )
            assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
            assert headers["x-content-type-options"] == "nosniff"
    assert platform.calls() == []  # looking at it is no call


#: What the guide shows, by look and view, each with what says that it is there.
PICTURES = {
    "light": {
        "chat": ANSWERED,
        "jobs": "document.querySelector('#jobs polyline')",
    },
    "dark": {
        "calls": "document.querySelector('#calls-list button')",
        "faults": "document.querySelector('#faults [aria-checked=true]')",
    },
}


@pytest.mark.usefixtures("tuned")
@pytest.mark.skipif(not IMAGES, reason="IMAGES names no folder for the guide's pictures")
@pytest.mark.parametrize(("look", "options"), [("light", {}), ("dark", {"dark": True, "language": "en"})])
async def test_pictures_for_the_guide(console, platform, look, options):
    """The guide's pictures are taken of a platform in use."""
    platform.advance(minutes=1, seconds=35)
    with platform.client(retry_count=1) as client:
        client.embeddings.do(texts=["世界上最高的山"])
        platform.on("chat", every=2).status(429, retry_after=1)
    async with console(**options) as page:
        await ask(page, "用一句话介绍杭州" if look == "light" else "Tell me about Hangzhou")
        for view, is_ready in PICTURES[look].items():
            await go(page, view)
            await page.until(is_ready)
            if view == "calls":
                await page.click("#calls-list button")
                await page.until("document.querySelector('#call pre')")
            await page.picture(Path(IMAGES) / f"console-{view}-{look}.png")
