"""Text to image and image to text over the wire: rules, real PNG files, what is read in image files."""

from __future__ import annotations

import base64
import json
import re
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianfan.local import images, png, text2image, tokens

CHAT = {"id", "object", "created", "result", "is_truncated", "need_clear_history", "is_safe", "usage"}
SIZE = "size must be one of 768x768, 768x1024, 1024x768, 576x1024, 1024x576, 1024x1024"
STOP = "stop must be an array of at most 4 strings of 1 to 20 characters"
NOT_BASE64 = "image must be the base64 of an image file, without a data: header"
UNKNOWN = "image can't be read: its format is none of PNG, JPEG, GIF, WebP, BMP"


def send(caller, path, body):
    """Send a body as JSON."""
    return caller.send(path, json.dumps(body).encode())


def draw(caller, prompt, **fields):
    """Return the answer to a prompt."""
    return send(caller, "/text2image/sd_xl", {"prompt": prompt, **fields}).json()


def picture(caller, prompt, **fields):
    """Return the bytes of the first picture for a prompt."""
    return base64.b64decode(draw(caller, prompt, **fields)["data"][0]["b64_image"], validate=True)


def describe(caller, image, prompt="What is this?", endpoint="fuyu_8b", **fields):
    """Return the response to an image, given as bytes or as base64."""
    text = base64.b64encode(image).decode() if isinstance(image, bytes) else image
    return send(caller, f"/image2text/{endpoint}", {"prompt": prompt, "image": text, **fields})


def chunks(image):
    """Return the kinds and contents of a PNG's chunks, whose checksums are right."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    found, position = [], 8
    while position < len(image):
        length, kind = struct.unpack_from(">I4s", image, position)
        content = image[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", image, position + 8 + length)
        assert checksum == zlib.crc32(kind + content)
        found.append((kind, content))
        position += length + 12
    return found


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"prompt": None}, 336001, "prompt is required"),
        ({"prompt": 1}, 336001, "prompt must be a string"),
        ({"prompt": ""}, 336003, "prompt can't be blank"),
        ({"prompt": "字" * 1025}, 336003, "prompt must have at most 1024 characters"),
        ({"negative_prompt": []}, 336003, "negative_prompt must be a string"),
        ({"size": "1024*1024"}, 336003, SIZE),
        ({"size": 1024}, 336003, SIZE),
        ({"n": 0}, 336003, "n must be an integer in [1, 4]"),
        ({"n": 5}, 336003, "n must be an integer in [1, 4]"),
        ({"n": 1.0}, 336003, "n must be an integer in [1, 4]"),
        ({"steps": 9}, 336003, "steps must be an integer in [10, 50]"),
        ({"steps": 51}, 336003, "steps must be an integer in [10, 50]"),
        ({"sampler_index": 1}, 336003, "sampler_index must be a string"),
        ({"seed": -1}, 336003, "seed must be an integer in [0, 4294967295]"),
        ({"seed": 2**32}, 336003, "seed must be an integer in [0, 4294967295]"),
        ({"cfg_scale": -0.1}, 336003, "cfg_scale must be a number in [0, 30]"),
        ({"cfg_scale": 30.5}, 336003, "cfg_scale must be a number in [0, 30]"),
        ({"style": 1}, 336003, "style must be a string"),
        ({"user_id": 1}, 336003, "user_id must be a string"),
    ],
)
def test_bad_prompts_and_fields(shared, fields, code, message):
    """Each breach of a rule of text to image has its code and words."""
    answer = draw(shared, **{"prompt": "山水画", **fields})

    assert (code, message) == (answer["error_code"], answer["error_msg"])


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 4, "steps": 10, "seed": 0, "cfg_scale": 0, "negative_prompt": "", "style": "Base"},
        {"n": 1, "steps": 50, "seed": 2**32 - 1, "cfg_scale": 30, "sampler_index": "Euler a", "user_id": ""},
        dict.fromkeys(
            ["negative_prompt", "size", "n", "steps", "sampler_index", "seed", "cfg_scale", "style"]
        ),
        {"extra_parameters": {}, "prompt": "字" * 1024},
    ],
)
def test_limits_unknown_fields_and_null_are_fine(shared, fields):
    """The ends of each range, fields nobody knows, and null are accepted."""
    answer = draw(shared, **{"prompt": "山水画", "size": "768x768", **fields})

    assert len(answer["data"]) == (fields.get("n") or 1)


def test_answer_of_text_to_image(shared):
    """The answer has an id, the pictures in order, and usage for the words."""
    answer = draw(shared, "一只戴帽子的猫", negative_prompt="a dog", n=3, size="768x768")

    assert set(answer) == {"id", "object", "created", "data", "usage"}
    assert re.fullmatch(r"as-[0-9a-z]{10}", answer["id"])
    assert answer["object"] == "image"
    assert [set(item) for item in answer["data"]] == [{"object", "b64_image", "index"}] * 3
    assert [(item["object"], item["index"]) for item in answer["data"]] == [("image", i) for i in range(3)]
    assert len({item["b64_image"] for item in answer["data"]}) == 3
    assert answer["usage"] == {"prompt_tokens": 9, "total_tokens": 9}


@pytest.mark.parametrize("size", [*text2image.SIZES, None])
def test_pictures_are_real_png_files(shared, size):
    """A picture is a valid PNG of the size asked for: checksums, palette, as many pixels as there should be."""
    image = picture(shared, "夕阳下的海", size=size)
    width, height = map(int, (size or "1024x1024").split("x"))

    found = chunks(image)
    assert [kind for kind, _ in found] == [b"IHDR", b"iTXt", b"PLTE", b"IDAT", b"IEND"]
    (_, header), (_, text), (_, palette), (_, data), (_, end) = found
    assert struct.unpack(">IIBBBBB", header) == (width, height, 8, 3, 0, 0, 0)
    assert text == b"Qianfan prompt\0\0\0\0\0" + "夕阳下的海".encode()
    assert len(palette) == 3 * 256
    rows = zlib.decompress(data)
    assert len(rows) == height * (width + 1)
    assert set(rows[:: width + 1]) == {0}  # no row is filtered
    assert len(set(rows)) > 100  # it is a picture, not one colour
    assert end == b""
    assert len(image) < 100_000


@pytest.mark.parametrize("number", range(8))
def test_every_picture_is_small(shared, number):
    """Whatever the prompt, the largest picture stays below 100 KB."""
    data = draw(shared, f"prompt {number}", n=4, seed=number)["data"]

    for item in data:
        image = base64.b64decode(item["b64_image"])
        assert len(image) < 100_000
        assert len(zlib.decompress(chunks(image)[3][1])) == 1024 * 1025


def test_same_prompt_and_seed_same_picture(shared, start):
    """Prompt, seed, index and size decide the picture, on every platform; the other fields do not."""
    cat = picture(shared, "cat", seed=7)

    assert picture(start(), "cat", seed=7, steps=50, style="Anime") == cat
    assert picture(shared, "cat", seed=7, n=2) == cat
    assert picture(shared, "cat") == picture(shared, "cat", seed=0) != cat
    assert picture(shared, "dog", seed=7) != cat
    assert picture(shared, "cat", seed=7, size="768x768") != cat


def test_pictures_are_quick(shared):
    """The time a picture takes is shown; a bound on it would fail on a busy machine."""
    began = time.perf_counter()
    data = draw(shared, "quick", n=4)["data"]

    print(f"{250 * (time.perf_counter() - began):.0f} ms a picture")  # noqa: T201  # a figure to read, by pytest -s
    assert len(data) == 4


def jpeg(width, height):
    """Return a JPEG up to its frame, after other segments, fill bytes and markers without a length."""
    before = b"\xff\xe0\x00\x10JFIF" + bytes(10) + b"\xff\x01\xff\xff\xc4\x00\x03\x00"
    return b"\xff\xd8" + before + b"\xff\xc2\x00\x0b\x08" + struct.pack(">HH", height, width) + bytes(4)


def webp(kind, content):
    """Return a WebP with one chunk."""
    return b"RIFF" + struct.pack("<I", 12 + len(content)) + b"WEBP" + kind + bytes(4) + content


FILES = [
    ("PNG", b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + struct.pack(">II", 640, 480), 640, 480),
    ("JPEG", jpeg(640, 480), 640, 480),
    ("GIF", b"GIF89a" + struct.pack("<HH", 320, 200), 320, 200),
    ("GIF", b"GIF87a" + struct.pack("<HH", 1, 2), 1, 2),
    (
        "WebP",
        webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300 | 1 << 14, 200 | 2 << 14)),
        300,
        200,
    ),
    ("WebP", webp(b"VP8L", b"\x2f" + struct.pack("<I", (300 - 1) | (200 - 1) << 14)), 300, 200),
    ("WebP", webp(b"VP8X", bytes(4) + (70_000 - 1).to_bytes(3, "little") + b"\1\0\0"), 70_000, 2),
    ("BMP", b"BM" + bytes(12) + struct.pack("<Iii", 40, 31, -17), 31, 17),
    ("BMP", b"BM" + bytes(12) + struct.pack("<IHH", 12, 31, 17), 31, 17),
]


@pytest.mark.parametrize(("name", "data", "width", "height"), FILES)
def test_formats_and_sizes_are_read(shared, name, data, width, height):
    """Format, size in pixels and size in bytes are read in each format's header."""
    english, chinese = describe(shared, data).json(), describe(shared, data, "这是什么？").json()

    assert (
        f"a {name} image, {width} pixels wide and {height} pixels high; the file has {len(data)} bytes"
        in english["result"]
    )
    assert (
        f"一张 {name} 图片，宽 {width} 像素，高 {height} 像素，文件大小 {len(data)} 字节" in chinese["result"]
    )
    assert "What is this?" in english["result"]
    assert english["result"].startswith("[local platform] ")
    assert chinese["result"].startswith("【本地平台】")


@pytest.mark.parametrize(
    "data", [data[:end] for _, data, _, _ in FILES for end in range(16, len(data)) if not end % 3]
)
def test_damaged_headers_are_refused(shared, data):
    """A file that ends within its header is refused, or read where the size stands before the end."""
    answer = describe(shared, data).json()

    if "result" not in answer:
        assert answer["error_code"] == 336003
        assert re.fullmatch(r"image can't be read: the header of the \w+ is damaged", answer["error_msg"])
    else:
        image = images.read(data)
        assert (image.width, image.height) in {(width, height) for *_, width, height in FILES}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("bm90IGFuIGltYWdl", UNKNOWN),
        ("AAAA", UNKNOWN),
        (webp(b"ANIM", bytes(20)), "image can't be read: the header of the WebP is damaged"),
        (b"RIFF0000WAVEfmt ", UNKNOWN),
        (b"GIF89a\0\0\0\0", "image can't be read: the header of the GIF is damaged"),
        (b"\xff\xd8\xff\xd8\x00\x00\x00", "image can't be read: the header of the JPEG is damaged"),
        ("data:image/png;base64,AAAA", NOT_BASE64),
        ("AAA", NOT_BASE64),
        ("AA\nAA", NOT_BASE64),
        ("图", NOT_BASE64),
        ("", "image can't be blank"),
    ],
)
def test_what_is_no_image(shared, image, message):
    """What is no base64, or no image of a known format, is refused with a clear message."""
    answer = describe(shared, image).json()

    assert (answer["error_code"], answer["error_msg"]) == (336003, message)


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"prompt": None}, 336001, "prompt is required"),
        ({"prompt": " "}, 336003, "prompt can't be blank"),
        ({"image": None}, 336001, "image is required"),
        ({"image": ["AAAA"]}, 336001, "image must be a string"),
        ({"stream": 1}, 336003, "stream must be a boolean"),
        ({"temperature": 0}, 336003, "temperature must be a number in (0, 1]"),
        ({"top_k": 0}, 336003, "top_k must be an integer of at least 1"),
        ({"top_p": 2}, 336003, "top_p must be a number in [0, 1]"),
        ({"penalty_score": 3}, 336003, "penalty_score must be a number in [1, 2]"),
        ({"stop": "a"}, 336003, STOP),
        ({"user_id": 1}, 336003, "user_id must be a string"),
    ],
)
def test_bad_questions_about_images(shared, fields, code, message):
    """Each breach of a rule of image to text has its code and words."""
    image = base64.b64encode(FILES[0][1]).decode()
    body = {"prompt": "这是什么？", "image": image, **fields}

    answer = send(shared, "/image2text/fuyu_8b", body).json()
    assert (code, message) == (answer["error_code"], answer["error_msg"])


def test_image_above_the_largest_body(shared):
    """An image that makes the body larger than 4 MiB is refused as every such body."""
    response = describe(shared, FILES[0][1] + bytes(4 * 1024 * 1024))

    assert (response.status, response.json()["error_code"]) == (413, 336007)


def test_prompt_of_a_drawn_picture_is_read(shared):
    """A picture of text to image tells the prompt it was drawn for; other pictures have none."""
    chinese, english = picture(shared, "一只“戴帽子”的猫"), picture(shared, "A cat {with} a hat")

    assert "提示词是：“一只“戴帽子”的猫”" in describe(shared, chinese, "这是什么？").json()["result"]
    assert "drew it for the prompt “A cat {with} a hat”" in describe(shared, english).json()["result"]
    assert "drew it" not in describe(shared, FILES[0][1]).json()["result"]
    assert "drew it" not in describe(shared, FILES[0][1] + bytes(30)).json()["result"]
    assert "drew it" not in describe(shared, english.replace(b"Qianfan", b"Somehow")).json()["result"]


def test_answer_of_image_to_text(shared):
    """The answer is chat-like with is_safe; usage counts the words of both sides."""
    answer = describe(shared, FILES[0][1], "这是什么？").json()

    assert set(answer) == CHAT
    assert (answer["object"], answer["is_safe"], answer["is_truncated"]) == ("chat.completion", 1, False)
    assert answer["usage"]["prompt_tokens"] == 4
    assert answer["usage"]["completion_tokens"] == tokens.count(answer["result"])


def test_stop_and_the_safety_filter(shared):
    """A stop sequence ends the description; a phrase in the prompt makes it unsafe."""
    stopped = describe(shared, FILES[0][1], stop=["pixels"]).json()
    unsafe = describe(shared, FILES[0][1], "触发安全审核").json()

    assert stopped["result"] == "[local platform] This is a PNG image, 640 "
    assert (unsafe["is_safe"], unsafe["need_clear_history"], unsafe["ban_round"]) == (0, True, -1)


def test_stream_of_image_to_text(shared):
    """A stream is the same words in increments, framed as chat's."""
    whole = describe(shared, FILES[0][1]).json()
    response = describe(shared, FILES[0][1], stream=True)

    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    blocks = response.data.decode().split("\n\n")
    assert blocks.pop() == ""
    events = [json.loads(block.removeprefix("data: ")) for block in blocks]
    assert "".join(event["result"] for event in events) == whole["result"]
    assert [event["sentence_id"] for event in events] == list(range(len(events)))
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    assert (events[-1]["usage"], events[-1]["is_safe"]) == (whole["usage"], 1)


@pytest.mark.parametrize("family", ["text2image", "image2text"])
def test_routes_journal_and_custom_services(start, family):
    """Custom services answer like the preset ones; the journal has the route, endpoint and model."""
    caller = start()
    caller.platform.add_endpoint("mine", kind=family)
    preset = {"text2image": "sd_xl", "image2text": "fuyu_8b"}[family]
    body = {"prompt": "hi", "image": base64.b64encode(FILES[0][1]).decode()}

    answers = [send(caller, f"/{family}/{endpoint}", body).json() for endpoint in (preset, "mine")]

    calls = caller.platform.calls(family)
    assert set(answers[0]) == set(answers[1])
    assert [call.endpoint for call in calls] == [preset, "mine"]
    assert [call.model for call in calls] == [
        {"text2image": "Stable-Diffusion-XL", "image2text": "Fuyu-8B"}[family],
        None,
    ]
    assert [call.reply for call in calls] == answers
    assert caller.send(f"/{family}/other", b"{}").json()["error_code"] == 3
    assert caller.send(f"/{family}/{preset}", method="GET").json()["error_code"] == 336101
    assert caller.send(f"/{family}/{preset}", b"{").json()["error_code"] == 336002


@pytest.mark.parametrize("family", ["text2image", "image2text"])
def test_tokens_are_charged(start, family):
    """An answer's total tokens are taken from the minute's allowance."""
    caller = start(tpm=500)
    path = {"text2image": "/text2image/sd_xl", "image2text": "/image2text/fuyu_8b"}[family]
    body = {"prompt": "一只猫", "image": base64.b64encode(FILES[0][1]).decode(), "size": "768x768"}

    response = send(caller, path, body)
    left = int(response.headers["X-Ratelimit-Remaining-Tokens"])
    assert left == 500 - response.json()["usage"]["total_tokens"] < 500


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([data for _, data, _, _ in FILES]), st.binary(max_size=40), st.integers(2, 30))
def test_any_bytes_are_read_or_refused(data, rest, kept):
    """Whatever follows a format's first bytes, its size is read or the file is refused."""
    cut = data[:kept] + rest
    try:
        image = images.read(cut)
    except ValueError:
        return
    assert image.width > 0
    assert image.height > 0
    assert png.read_text(cut, text2image.PROMPT) is None
