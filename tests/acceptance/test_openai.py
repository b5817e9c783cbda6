"""The unmodified `openai` client, as the SDK hands it out."""

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.tenant import tenant


def test_it_sees_what_the_sdk_sees(stack: Stack) -> None:
    with Stillhouse(stack.url, tenant(stack, "openai").key) as client:
        sent = client.openai.files.create(file=("rows.csv", b"x,y\n1,2\n"), purpose="fine-tune")
        assert client.files.get(sent.id)["bytes"] == sent.bytes == 8
        assert [file.id for file in client.openai.files.list()] == [sent.id]
        assert client.openai.files.content(sent.id).read() == b"x,y\n1,2\n"
        assert client.openai.files.delete(sent.id).deleted
        assert not list(client.openai.models.list())
        client.openai.close()
