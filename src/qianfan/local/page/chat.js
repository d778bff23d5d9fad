// The playground: a conversation over v2, streamed, with whatever model answers here.
import { $, api, h, took } from "./dom.js";
import { t } from "./words.js";

let messages = [];
let running = null; // what stops the answer that is coming
let key = null;

export function start() {
  $("chat-form").addEventListener("submit", (event) => {
    event.preventDefault();
    running ? running.abort() : send();
  });
  $("chat-text").addEventListener("keydown", (event) => {
    // While an input method composes, Enter chooses a character.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!running) send();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && running?.abort());
  $("chat-settings").addEventListener("submit", (event) => event.preventDefault());
  $("chat-clear").addEventListener("click", () => {
    running?.abort();
    messages = [];
    $("talk").replaceChildren();
    show();
    $("chat-text").focus();
  });
}

export async function show() {
  mark();
  if (!messages.length) $("talk").replaceChildren(h("p.none", {}, t("chatNone")));
  const [models, { services }] = await Promise.all([api("GET", "/models"), api("GET", "/services")]);
  const own = services.map((it) => it.uri).concat(models.endpoints.filter((it) => it.kind === "chat").map((it) => it.name));
  const preset = models.catalogue.filter((it) => it.kind === "chat").map((it) => it.name);
  const group = (label, names) => names.length && h("optgroup", { label }, ...names.map((name) => h("option", {}, name)));
  const chosen = $("chat-model").value;
  $("chat-model").replaceChildren(...[group(t("tunedModels"), own), group(t("catalogue"), preset)].filter(Boolean));
  if (own.includes(chosen) || preset.includes(chosen)) $("chat-model").value = chosen;
}

/** Open the playground with a model. */
export async function talkTo(name) {
  location.hash = "chat";
  await show();
  $("chat-model").value = name;
  $("chat-text").focus();
}

function mark() {
  $("chat-send").textContent = t(running ? "stop" : "send");
  $("talk").setAttribute("aria-busy", running ? "true" : "false"); // read out when it is whole
}

function settings() {
  const given = { model: $("chat-model").value };
  for (const name of ["temperature", "top_p", "max_completion_tokens"]) {
    const value = $(`chat-${name}`).value;
    if (value !== "") given[name] = Number(value);
  }
  const tools = $("chat-tools").value.trim();
  if (tools) {
    const functions = JSON.parse(tools);
    if (!Array.isArray(functions)) throw new TypeError();
    given.tools = functions.map((it) => (it.type === "function" ? it : { type: "function", function: it }));
  }
  return given;
}

async function send() {
  const text = $("chat-text").value.trim();
  if (!text) return;
  $("chat-text").value = "";
  await ask({ role: "user", content: text });
}

async function ask(message) {
  $("chat-tools-wrong").textContent = "";
  let given;
  try {
    given = settings();
  } catch {
    $("chat-tools-wrong").textContent = t("toolsWrong");
    $("chat-text").value = message.content;
    return;
  }
  if (!messages.length) $("talk").replaceChildren();
  messages.push(message);
  bubble(message.role, message.content);
  const answer = new Answer();
  running = new AbortController();
  mark();
  try {
    await answer.stream(given, running.signal);
  } catch (error) {
    answer.fail(error);
  }
  running = null;
  mark();
  // What was never answered must not stay: the next message could not follow it.
  const said = answer.message();
  if (said) messages.push(said);
  else messages.pop();
}

function bubble(role, text) {
  const body = h("div.text", {}, text);
  const who = { user: "you", assistant: "assistant", tool: "tool" }[role];
  const article = h(`article.${role}`, {}, h("h3", {}, t(who)), body);
  $("talk").append(article);
  $("talk").scrollTop = $("talk").scrollHeight;
  return { article, body };
}

/** The model's answer, as it comes. */
class Answer {
  constructor() {
    Object.assign(this, bubble("assistant", ""), { text: "", thoughts: "", calls: [], usage: null, began: performance.now() });
  }

  async stream(given, signal) {
    key ??= (await api("GET", "/keys")).api_key;
    const system = $("chat-system").value.trim();
    const all = system ? [{ role: "system", content: system }, ...messages] : messages;
    const response = await fetch("/v2/chat/completions", {
      method: "POST",
      signal,
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ ...given, messages: all, stream: true, stream_options: { include_usage: true } }),
    });
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      const said = await response.text();
      throw new Error(`HTTP ${response.status} ${said}`);
    }
    await this.read(response.body);
    this.note(`${given.model} · ${this.usage?.total_tokens ?? "?"} ${t("tokens")}`);
  }

  async read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (let it = await reader.read(); !it.done; it = await reader.read()) {
      const events = (buffer + it.value).split("\n\n");
      buffer = events.pop(); // perhaps half an event
      for (const event of events) {
        const data = event.startsWith("data: ") ? event.slice(6) : "";
        if (data && data !== "[DONE]") this.take(JSON.parse(data));
      }
    }
  }

  take(event) {
    if (event.error) throw new Error(JSON.stringify(event));
    this.usage = event.usage ?? this.usage;
    const delta = event.choices?.[0]?.delta ?? {};
    this.text += delta.content ?? "";
    this.thoughts += delta.reasoning_content ?? "";
    for (const call of delta.tool_calls ?? []) this.takeCall(call);
    this.body.textContent = this.text;
    if (this.thoughts) {
      this.thought ??= this.article.insertBefore(h("details", { open: true }, h("summary", {}, t("thinking")), h("div.text")), this.body);
      this.thought.lastChild.textContent = this.thoughts;
    }
    $("talk").scrollTop = $("talk").scrollHeight;
  }

  takeCall({ index = 0, ...call }) {
    const known = (this.calls[index] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
    known.id ||= call.id ?? "";
    known.function.name += call.function?.name ?? "";
    known.function.arguments += call.function?.arguments ?? "";
  }

  /** What the conversation keeps of it; null where nothing came. */
  message() {
    if (this.calls.length) {
      this.offerResult();
      return { role: "assistant", content: this.text, tool_calls: this.calls };
    }
    return this.text ? { role: "assistant", content: this.text } : null;
  }

  /** Let the user be the function. */
  offerResult() {
    const call = this.calls[0];
    this.article.append(h("p", {}, `${t("calling")}: `, h("code", {}, `${call.function.name}(${call.function.arguments})`)));
    const value = h("input", { "aria-label": t("result"), placeholder: t("result") });
    const form = h("form.say", {}, value, h("button", {}, t("giveBack")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.remove();
      ask({ role: "tool", tool_call_id: call.id, content: value.value || "{}" });
    });
    this.article.append(form);
    value.focus();
  }

  fail(error) {
    if (error.name === "AbortError") this.note(t("stopped"));
    else this.article.append(h("p.wrong", { role: "alert" }, error.message));
  }

  note(text) {
    this.article.append(h("p.dim", {}, `${text} · ${took((performance.now() - this.began) / 1000)}`));
    $("talk").scrollTop = $("talk").scrollHeight;
  }
}
