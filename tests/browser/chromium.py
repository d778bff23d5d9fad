"""A headless Chromium, spoken to by its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import asynccontextmanager

import aiohttp

#: Found by name, or named by CHROMIUM.
PATH = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
]

_PATIENCE = 20  # seconds: only a page that never gets there takes so long


@asynccontextmanager
async def opened(url, *, size=(1280, 800), dark=False, language="zh-CN"):
    """Give a page of a browser with a profile of its own."""
    profile = tempfile.mkdtemp(prefix="qianfan-chromium-")
    process = _started(f"--user-data-dir={profile}", f"--lang={language}", "about:blank")
    try:
        address = await asyncio.to_thread(_address, process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{address}/json/list") as answer:
                target = next(it for it in await answer.json(content_type=None) if it["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                reading = asyncio.create_task(page.read())
                try:
                    await page.prepare(size, dark=dark, language=language)
                    await page.send("Page.navigate", url=url)
                    await page.until("document.readyState === 'complete'")
                    yield page
                finally:
                    reading.cancel()
                    await asyncio.wait([reading])
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(profile, ignore_errors=True)


def _started(*arguments):
    return subprocess.Popen(
        [PATH, *_FLAGS, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _address(process):
    for line in process.stderr:
        if "DevTools listening on" in line:
            return line.split("//")[1].split("/")[0]
    raise RuntimeError("Chromium ended before it listened")


class Page:
    """One page.

    Attributes:
        requested: The addresses it has asked for.
        complaints: What it wrote to the console, and what it threw.
    """

    def __init__(self, socket):
        self.requested = []
        self.complaints = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting = {}

    async def prepare(self, size, *, dark, language):
        """Watch everything that happens, and look like a screen."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self.send(f"{domain}.enable")
        wishes = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        await self.send("Emulation.setEmulatedMedia", features=features)
        await self.resize(*size)
        await self.send("Network.setUserAgentOverride", userAgent="Chromium", acceptLanguage=language)
        await self.send("Emulation.setTimezoneOverride", timezoneId="Asia/Shanghai")

    async def resize(self, width, height):
        """Be a screen of another size."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def send(self, method, **params):
        """Return what a command of the protocol answers."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": params}))
        answer = await asyncio.wait_for(self._waiting[number], _PATIENCE)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    async def read(self):
        """Take what the browser says, until it is closed."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])
            elif said["method"] in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}:
                self.complaints.append(said["params"])

    async def run(self, expression):
        """Return the value of a JavaScript expression, awaited."""
        done = await self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in done, (expression, done["exceptionDetails"])
        return done["result"].get("value")

    async def until(self, expression):
        """Wait until an expression is true; return its value."""
        wanted = f"""new Promise((done, failed) => {{
            const look = () => {{
                let value = null;
                try {{ value = {expression}; }} catch {{ }}
                if (value) done(value); else setTimeout(look, 20);
            }};
            look();
            setTimeout(() => failed(new Error("never true")), {_PATIENCE * 900});
        }})"""
        return await self.run(wanted)

    async def click(self, selector):
        """Click at an element, as a mouse does."""
        box = await self.run(
            f"""(() => {{ const it = document.querySelector({json.dumps(selector)}); it.scrollIntoView({{block: "center"}});
            const box = it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.send(
                "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1
            )

    async def type(self, text):
        """Type a text where the focus is."""
        await self.send("Input.insertText", text=text)

    async def press(self, key, code=0, text=""):
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            await self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "",
            )

    async def picture(self, path):
        """Save what is on the screen as a PNG."""
        shot = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))
