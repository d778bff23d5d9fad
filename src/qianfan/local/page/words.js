// The page's words in both languages: one line each, so that a missing one is seen.
const WORDS = {
  title: ["千帆本地平台", "Qianfan local platform"],
  skip: ["跳到内容", "Skip to content"],
  navigation: ["导航", "Navigation"],
  lost: ["平台没有应答", "The platform does not answer"],
  light: ["浅色", "Light"], dark: ["深色", "Dark"], system: ["人设（system）", "System"], auto: ["跟随系统", "System theme"],
  themeSays: ["主题", "Theme"],
  chat: ["对话", "Playground"], calls: ["请求", "Requests"], models: ["模型", "Models"], jobs: ["调优", "Fine-tuning"],
  services: ["服务", "Services"], faults: ["故障", "Faults"], clock: ["时钟", "Clock"],
  login: ["需要管理令牌", "The admin token, please"], token: ["管理令牌", "Admin token"], enter: ["进入", "Enter"],
  loginSays: ["这个平台允许其他机器访问。令牌由启动它的人设置，或在启动时印在终端里。",
    "This platform lets other machines in. Whoever started it has chosen the token, or the terminal showed it."],
  tokenWrong: ["令牌不对。", "That is not the token."],
  newChat: ["新对话", "New chat"], conversation: ["对话内容", "Conversation"], message: ["消息", "Message"],
  messageHint: ["输入消息，Enter 发送，Shift+Enter 换行", "Type a message; Enter sends, Shift+Enter breaks the line"],
  send: ["发送", "Send"], stop: ["停止（Esc）", "Stop (Esc)"], model: ["模型", "Model"],
  systemHint: ["例如：你是一位耐心的老师", "Such as: you are a patient teacher"], usual: ["默认", "default"],
  tools: ["函数（JSON）", "Functions (JSON)"], toolsWrong: ["函数应为 JSON 数组", "Functions must be a JSON array"],
  you: ["你", "You"], assistant: ["模型", "Model"], tool: ["函数结果", "Function result"], thinking: ["思考过程", "Reasoning"],
  calling: ["调用函数", "Calls a function"], result: ["函数的返回值", "What the function returns"], giveBack: ["返回", "Return"],
  stopped: ["已停止", "stopped"], tokens: ["token", "tokens"], tunedModels: ["我的服务", "My services"], catalogue: ["预置模型", "Preset models"],
  chatNone: ["选择模型，说句话开始。回答来自本机，由规则生成。", "Choose a model and say something. Answers are made on this machine, by rules."],
  clear: ["清空", "Clear"], filter: ["筛选", "Filter"], filterHint: ["筛选：模型、路径、内容（按 / 键）", "Filter: model, path, text (press /)"],
  route: ["种类", "Kind"], every: ["所有种类", "All kinds"], failedOnly: ["仅失败", "Failed only"], status: ["状态", "Status"],
  what: ["请求", "Request"], took: ["用时", "Time"], noCalls: ["还没有请求。", "No requests yet."], call: ["请求详情", "Request details"],
  pick: ["选择一个请求，查看内容、回复与用时。", "Choose a request to see what was asked and answered, and how long it took."],
  asked: ["请求内容", "Request"], answered: ["回复", "Reply"], events: ["个事件", "events"], headers: ["请求头", "Headers"],
  copyCurl: ["复制 curl", "Copy curl"], copyPython: ["复制 Python", "Copy Python"], copied: ["已复制", "Copied"], broken: ["断开", "broken"],
  suffered: ["遭遇故障", "Suffered"], running: ["进行中", "running"],
  published: ["发布的模型", "Published models"], endpoints: ["自定义服务", "Custom endpoints"], name: ["名称", "Name"], kind: ["种类", "Kind"],
  version: ["版本", "Version"], base: ["基础模型", "Base"], created: ["创建于", "Created"], try: ["对话", "Chat"], nothing: ["（没有）", "(none)"],
  tenMinutes: ["时钟快进 10 分钟", "Move the clock on 10 minutes"],
  noJobs: ["还没有调优任务。用 SDK 或命令行创建：", "No fine-tuning jobs yet. Make one with the SDK or the command line:"],
  samples: ["条样本", "samples"], progress: ["进度", "Progress"], loss: ["损失曲线", "Loss curve"],
  RUNNING: ["运行中", "Running"], FINISH: ["已完成", "Finished"], FAIL: ["失败", "Failed"], STOP: ["已停止", "Stopped"],
  Deploying: ["部署中", "Deploying"], Done: ["运行中", "Serving"], address: ["地址", "Address"],
  noServices: ["还没有服务：发布模型后部署即可。", "No services yet: publish a model, then deploy it."],
  allOff: ["全部关闭", "All off"], ownFault: ["自定义故障（JSON）", "A fault of your own (JSON)"], add: ["添加", "Add"],
  met: ["遇到", "met"], hits: ["发生", "struck"],
  quotas: ["配额", "Quotas"], qps: ["每秒请求", "Calls per second"], rpm: ["每分钟请求", "Calls per minute"], tpm: ["每分钟 token", "Tokens per minute"],
  unlimited: ["不限", "unlimited"], apply: ["应用", "Apply"], applied: ["已应用", "Applied"],
  f429: ["对话限流：每隔一次返回 429", "Chat is throttled: every second call gets 429"],
  f503: ["服务不稳：两成请求返回 503", "Unstable service: one call in five gets 503"],
  fbusy: ["服务繁忙：第一次对话返回 336100", "Busy: the first chat gets 336100"],
  fslow: ["变慢：对话晚两秒应答", "Slow: chats are answered two seconds late"],
  fcut: ["断流：流式回复在三个事件后断开", "Cut: streams break off after three events"],
  freset: ["断网：连接被重置", "Network: connections are reset"],
  ftoken: ["令牌失效：对话返回 111", "Expired token: chats get 111"],
  frozen: ["暂停时钟", "Freeze the clock"], ahead: ["比真实时间快", "ahead of real time by"], inStep: ["与真实时间一致", "in step with real time"],
  m1: ["+1 分钟", "+1 minute"], m10: ["+10 分钟", "+10 minutes"], h1: ["+1 小时", "+1 hour"], d1: ["+1 天", "+1 day"], d31: ["+31 天", "+31 days"],
  reset: ["重置平台", "Reset the platform"], sure: ["确定要重置吗？", "Reset everything?"],
  resetSays: ["忘掉请求、任务、模型、服务、故障与密钥，回到启动时的样子。", "Forget requests, jobs, models, services, faults and keys, and be as new."],
};

let column = (localStorage.getItem("language") ?? navigator.language).startsWith("zh") ? 0 : 1;

export const language = () => (column ? "en" : "zh-CN");
export const t = (key) => WORDS[key]?.[column] ?? key;

export function switchLanguage() {
  column = 1 - column;
  localStorage.setItem("language", language());
}

/** Write the words into the parts of the page that never change otherwise. */
export function translate() {
  document.documentElement.lang = language();
  document.title = t("title");
  for (const it of document.querySelectorAll("[data-t]")) it.textContent = t(it.dataset.t);
  for (const it of document.querySelectorAll("[data-label]")) it.setAttribute("aria-label", t(it.dataset.label));
  for (const it of document.querySelectorAll("[data-hint]")) it.placeholder = t(it.dataset.hint);
}
