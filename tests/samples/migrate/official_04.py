"""A program for the official SDK 0.4."""

import qianfan
import requests
from qianfan.dataset import Dataset
from qianfan.resources import Data, FineTune
from qianfan.resources.tools.tokenizer import Tokenizer
from qianfan.utils import log_info

qianfan.AK("Zx81mQp0vT4nR7bL2kYc9sWd")
config = qianfan.get_config()
config.DISABLE_EB_SDK = True
config.SK = "sk"

chat = qianfan.ChatCompletion(version="2", redis_rate_limiter=True)
function = qianfan.Function()
try:
    reply = chat.do(
        messages=[],
        auto_concat_truncate=True,
        truncate_overlong_msgs=True,
        enable_citation=True,
        functions=[],
        min_output_tokens=3,
        retry_err_codes={18},
    )
    print(reply.statistic["total_latency"], reply["result"])
except qianfan.errors.APIError as error:
    if error.error_code == 336501:
        print("slow down")
except qianfan.errors.AccessTokenExpiredError:
    print("again")
except requests.exceptions.ConnectionError:
    print("no network")

chat.batch_do([[], []], worker_num=2)
chat.do([], "ERNIE-Speed-8K", None, False, 3, 60)
qianfan.Plugin().do("画一只猫", ["ImageAI"])
qianfan.Text2Image().do(prompt="猫", with_decode="base64", cfg_scale=7)
print(Tokenizer().count_tokens("你好", mode="remote"), Tokenizer().count_tokens("你好"))
FineTune.create_task("demo", "ERNIE-Speed", "ERNIE-Speed-8K")
FineTune.V2.create_job("demo", "ERNIE-Speed-8K", "SFT", parameter_scale="FullFineTuning")
print(Dataset, Data, log_info, function)
