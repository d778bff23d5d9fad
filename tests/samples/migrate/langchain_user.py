"""LangChain's classes on this package, and beside it."""

from langchain_community.chat_models import ErnieBotChat, QianfanChatEndpoint
from langchain_community.embeddings import QianfanEmbeddingsEndpoint
from pydantic import SecretStr

llm = QianfanChatEndpoint(
    model="ERNIE-Bot-turbo", qianfan_ak="Zx81mQp0vT4nR7bL2kYc9sWd", qianfan_sk=SecretStr("aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY")
)
other = QianfanChatEndpoint(streaming=True, endpoint="eb-instant")
embeddings = QianfanEmbeddingsEndpoint()
old = ErnieBotChat(ernie_client_id="id", ernie_client_secret="secret", model_name="ERNIE-Bot")
