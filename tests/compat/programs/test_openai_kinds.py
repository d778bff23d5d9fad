"""Programs that ask openai for more than a chat: vectors, images, completions, the list of models."""

from __future__ import annotations

from urllib.request import urlopen

import pytest

MODEL = "ernie-4.0-8k"


@pytest.mark.parametrize("given", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
def test_vectors(client, platform, given):
    """Texts give vectors in their order, as floats: also where the SDK asks for base64, as it does by default."""
    reply = client.call("embeddings.create", model="embedding-v1", input=["山", "海"], **given)

    assert [(it.index, len(it.embedding), type(it.embedding[0])) for it in reply.data] == [
        (0, 384, float),
        (1, 384, float),
    ]
    assert reply.usage.total_tokens > 0
    sent = platform.calls("embedding").last
    assert sent.body["encoding_format"] == given.get("encoding_format", "base64")
    assert [it["embedding"] for it in sent.reply["data"]] == [it.embedding for it in reply.data]


def test_the_vector_of_one_text(client):
    """A text alone gives one vector, the same as in a list."""
    alone = client.call("embeddings.create", model="bge-large-zh", input="山")
    listed = client.call("embeddings.create", model="bge-large-zh", input=["山"])

    assert len(alone.data[0].embedding) == 1024
    assert alone.data == listed.data


def test_images(client):
    """Images come as addresses, where they can be fetched."""
    reply = client.call("images.generate", model="irag-1.0", prompt="一只猫", n=2, size="512x512")

    assert len({image.url for image in reply.data}) == 2
    with urlopen(reply.data[0].url) as response:  # noqa: S310  # the platform's own
        picture = response.read()
    assert picture.startswith(b"\x89PNG")


def test_a_completion(client):
    """A prompt is written on, whole and in chunks that add up to the same."""
    whole = client.call("completions.create", model=MODEL, prompt="你好")
    *chunks, last = client.call("completions.create", model=MODEL, prompt="你好", stream=True)

    assert "您好" in whole.choices[0].text
    assert "".join(it.choices[0].text for it in [*chunks, last]) == whole.choices[0].text
    assert (whole.choices[0].finish_reason, last.choices[0].finish_reason) == ("stop", "stop")
    assert whole.usage.completion_tokens > 0


def test_the_list_of_models(client, platform):
    """The list names the catalogue's models and the account's own services."""
    platform.add_endpoint("my_service")
    listed = client.call("models.list").data

    assert {MODEL, "deepseek-r1", "embedding-v1", "my_service"} <= {model.id for model in listed}
    assert {model.object for model in listed} == {"model"}
