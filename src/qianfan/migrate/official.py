"""Names of the official SDK, 0.1 and 0.4, that are not here, and what to use in their place.

Whether a name is here, `surface` asks the package; these tables only say what to do about it.
"""

from __future__ import annotations

_SEE = "见 docs/guides/moving.md"
_BY_HAND = "这里没有这组接口：在控制台操作，或按平台文档自行调用"
_LATER = "构造函数里写 retry_count=、backoff_factor=，其余设 QIANFAN_LLM_API_RETRY_… 环境变量"

#: What to use in the place of a path, or of all below it.
PATHS = {
    "qianfan.Function": "用 ChatCompletion 的 do(functions=[…])：v1 与 v2 都可以",
    "qianfan.GLOBAL_CONFIG": "用 qianfan.get_config()",
    "qianfan.VERSION": "用 qianfan.__version__",
    "qianfan.autotuner": _BY_HAND,
    "qianfan.common": "这里没有 Prompt、Hub 与本地工具；提示词用 str.format，工具用 functions=",
    "qianfan.consts": "平台的取值写成文字",
    "qianfan.dataset": "平台上的数据集用 qianfan.Dataset；本地的数据处理用 datasets、pandas 等",
    "qianfan.evaluation": _BY_HAND,
    "qianfan.extensions": "LangChain 用 langchain_community 的 Qianfan 类，不经修改即可；其余的这里没有",
    "qianfan.get_config_with_kwargs": "把设置传给构造函数，或用 qianfan.get_config()",
    "qianfan.model": "用 qianfan.Model 与 qianfan.Service",
    "qianfan.resources.Charge": _BY_HAND,
    "qianfan.resources.Data": "平台上的数据集用 qianfan.Dataset",
    "qianfan.resources.IAM": "不需要：SDK 自己用 Access Key 换取 Bearer",
    "qianfan.resources.Memory": _BY_HAND,
    "qianfan.resources.Prompt": _BY_HAND,
    "qianfan.resources.auth": "密钥用构造参数、qianfan.AccessKey() 或环境变量给出",
    "qianfan.resources.console": "用 qianfan 里的 FineTune、Model、Service、Dataset；取值写成文字",
    "qianfan.resources.http_client": "代理、证书等用构造参数 proxy=、verify=、ca_bundle=",
    "qianfan.resources.images.image2text": "用 qianfan.Image2Text",
    "qianfan.resources.images.text2image": "用 qianfan.Text2Image",
    "qianfan.resources.llm.base": "在调用外面自己的函数里做：这里的类没有可以改写的内部方法",
    "qianfan.resources.llm.function": "用 ChatCompletion 的 do(functions=[…])：v1 与 v2 都可以",
    "qianfan.resources.llm.rerank": "用 qianfan.Reranker",
    "qianfan.resources.rate_limiter": "用 qianfan.RateLimiter",
    "qianfan.resources.requestor": "重试与超时用构造参数或环境变量",
    "qianfan.resources.token_limiter": "用 qianfan.RateLimiter(token_per_minute=…)",
    "qianfan.trainer": "用 qianfan.FineTune、Model 与 Service：见 docs/guides/finetune.md",
    "qianfan.utils": "这里没有这些工具；日志用 qianfan.enable_log()，命令行为 qianfan",
}

#: What to use in the place of an attribute of any class.
MEMBERS = {
    "acreate": "用 ado",
    "batch_delete_model": "改用 delete(model_ids)",
    "batch_delete_model_version": "改用 delete_version(model_version_ids)",
    "cancel_model_comp_task": "改用 cancel_compression()",
    "completions": "用 client.chat.do(messages=…)；OpenAI 形式的调用可用 OpenAI SDK",
    "create": "用 do",
    "create_custom_model": "改用 create()",
    "create_custom_model_set": "改用 create_set()",
    "create_service": "改用 create()",
    "delete_model": "改用 delete()",
    "delete_model_set": "改用 delete_set()",
    "describe_custom_model_sets": "改用 list_custom_sets()",
    "describe_model": "改用 get()",
    "describe_model_set": "改用 get_set()",
    "describe_preset_services": "改用 list_preset()",
    "describe_system_model_sets": "改用 list_system_sets()",
    "job_list": "改用 list_jobs()",
    "modify_service": "改用 modify()",
    "preset_list": "改用 list_preset()",
    "service_detail": "改用 get()",
    "service_list": "改用 list()",
    "service_metric": "改用 metric()",
    "supported_models": "改用 list_supported_models()",
    "task_detail": "改用 get_task()",
    "task_list": "改用 list_tasks()",
    "user_list": "改用 list_user()",
    "with_raw_response": "不需要：回复的 headers、code 与 body 就是原始的",
    "_to_list": "改用 list(messages)",
}

#: What to do about an argument that a constructor here does not take.
ARGUMENTS = {
    "access_code": "设环境变量 QIANFAN_ACCESS_CODE",
    "auth_timeout": "设环境变量 QIANFAN_AUTH_TIMEOUT",
    "config": "把其中的设置写成构造参数，或用 qianfan.get_config()",
    "console_api_base_url": "用 console_base_url=",
    "header": "在每次调用时传 headers=",
    "host": "用 base_url=",
    "key": "几个对象共用一个 rate_limiter=qianfan.RateLimiter(…)；经 Redis 共用时是 RedisRateLimiter 的 name=",
    "redis_connection_info": '用 rate_limiter=qianfan.RedisRateLimiter("redis://…", query_per_second=…)',
    "redis_rate_limiter": '用 rate_limiter=qianfan.RedisRateLimiter("redis://…", query_per_second=…)',
    "sync_reading_thread_count": "去掉它：流不用另外的线程",
}

#: What the official SDK takes out of a call's arguments, and this one sends to the platform as a field.
SENT = {
    "adapt_openai_message_format": "去掉它：system、tool 等角色在 v2 上直接可用",
    "auto_concat_truncate": "去掉它：is_truncated 为真时，把回复与“继续”加入 messages 再问一次",
    "header": "用 headers=",
    "jitter": _LATER,
    "max_wait_interval": _LATER,
    "retry_err_codes": _LATER,
    "retry_err_handler": "去掉它：自己接住 qianfan.errors.QianfanError 再调用",
    "retry_jitter": _LATER,
    "retry_max_wait_interval": _LATER,
    "show_total_latency": "去掉它：自己计时",
    "truncate_overlong_msgs": "去掉它：自己删去较早的 messages；qianfan.Tokenizer 可估计 token 数",
    "truncated_continue_prompt": "去掉它：见 auto_concat_truncate",
    "with_decode": "去掉它：resp.images 就是各张图片的字节",
    "worker_num": "去掉它：并发用线程池或 asyncio.gather",
}

_NO_WAITING_HERE = "去掉它：等待由 job.wait() 或自己的循环决定"
_NO_CACHE = "去掉它：这里不在磁盘上缓存"
_RANDOM = "去掉它：重试前的等待总是随机的"
_REFRESHED = "去掉它：令牌按有效期提前更新"
_LEFT_OUT = "去掉它：这里没有与它相关的功能"

#: What to do about a setting that is not here, by its name in the environment after `QIANFAN_`.
ENVIRONMENT = {
    "ACCESS_TOKEN_REFRESH_MIN_INTERVAL": _REFRESHED,
    "APPID": "用 QIANFAN_APP_ID",
    "BATCH_RUN_STATUS_POLLING_INTERVAL": _NO_WAITING_HERE,
    "BOS_HOST_REGION": _LEFT_OUT,
    "CACHE_DIR": _NO_CACHE,
    "CHAT_V2_API_ROUTE": "用 base_url=，v2 的地址可以带路径",
    "CONSOLE_API_RETRY_JITTER": _RANDOM,
    "DEFAULT_FINE_TUNE_TRAIN_TYPE": _LEFT_OUT,
    "DEPLOY_STATUS_POLLING_INTERVAL": _NO_WAITING_HERE,
    "DISABLE_CACHE": _NO_CACHE,
    "DISABLE_EB_SDK": "去掉它：这里不转交给 erniebot",
    "EB_SDK_INSTALLED": "去掉它：这里不转交给 erniebot",
    "EMBEDDING_V2_API_ROUTE": "用 base_url=，v2 的地址可以带路径",
    "ENABLE_AUTH": "用 QIANFAN_NO_AUTH",
    "ENABLE_PRIVATE": "私有化部署设 QIANFAN_BASE_URL 与 QIANFAN_ACCESS_CODE",
    "ETL_STATUS_POLLING_INTERVAL": _LEFT_OUT,
    "EVALUATION_ONLINE_POLLING_INTERVAL": _LEFT_OUT,
    "EXPORT_FILE_SIZE_LIMIT": _LEFT_OUT,
    "EXPORT_STATUS_POLLING_INTERVAL": _NO_WAITING_HERE,
    "FILE_ENCODING": _LEFT_OUT,
    "GET_ENTITY_CONTENT_FAILED_RETRY_TIMES": _LEFT_OUT,
    "IAM_HOST": "用 QIANFAN_BASE_URL",
    "IMPORT_STATUS_POLLING_INTERVAL": _NO_WAITING_HERE,
    "INFER_RESOURCE_REFRESH_INTERVAL": "去掉它：目录在包里，不从平台更新",
    "LLM_API_RETRY_JITTER": _RANDOM,
    "MODEL_PUBLISH_STATUS_POLLING_INTERVAL": _NO_WAITING_HERE,
    "PRIVATE_ACCESS_CODE": "用 QIANFAN_ACCESS_CODE",
    "RELEASE_STATUS_POLLING_INTERVAL": _NO_WAITING_HERE,
    "RERANKER_V2_API_ROUTE": "用 base_url=，v2 的地址可以带路径",
    "TRAINER_STATUS_POLLING_BACKOFF_FACTOR": _NO_WAITING_HERE,
    "TRAINER_STATUS_POLLING_RETRY_TIMES": _NO_WAITING_HERE,
    "TRAIN_STATUS_POLLING_INTERVAL": _NO_WAITING_HERE,
    "V2_INFER_API_DOWNGRADE": "去掉它：用哪个版本由密钥决定，或写 version=",
}

#: Fields of a reply that are not here.
FIELDS = {
    "request": "去掉它：请求的 id 是 resp.request_id",
    "statistic": "去掉它：自己计时；token 数在 resp.usage",
}

#: What to do where arguments stand at other places, or by names that are not the platform's.
POSITIONAL = "用关键字给出：官方 SDK 在这里多几个位置参数"
INSTANCE = "先建对象再调用，如 qianfan.Tokenizer().count_tokens(…)"
SIGNATURE = f"参数的名字或个数与官方 SDK 不同：{_SEE}"
FIELD_NAMES = "写成平台的字段名（如 trainType），或放进 extra="

#: What is not told above.
OTHERWISE = {
    "argument": f"去掉它，或换成这里的参数：{_SEE}",
    "environment": "去掉它：可用的见 docs/guides/settings.md",
    "name": f"换成这里的名字：{_SEE}",
}


def instead_of(path: str) -> str:
    """Return what to use in the place of a path that is not here."""
    steps = path.replace("()", "").split(".")
    for length in range(len(steps), 1, -1):
        told = PATHS.get(".".join(steps[:length]))
        if told:
            return told
    return MEMBERS.get(steps[-1]) or PATHS.get(f"qianfan.{steps[-1]}") or OTHERWISE["name"]
