// The journal, followed as it grows.
import { $, api, fill, h, say, took, when } from "./dom.js";
import { t } from "./words.js";

const MOST = 300; // rows

let calls = new Map(); // by number
let last = 0;
let chosen = null;

export function start() {
  $("calls-filter").addEventListener("submit", (event) => event.preventDefault());
  $("calls-filter").addEventListener("input", draw);
  $("calls-clear").addEventListener("click", () => api("DELETE", "/calls"));
  document.addEventListener("keydown", (event) => {
    const types = event.target.closest?.("input, textarea, select");
    if (event.key !== "/" || types || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    location.hash = "calls";
    setTimeout(() => $("calls-text").focus()); // once the view is shown
  });
  follow();
}

export function show() {
  draw();
  choose(chosen);
}

async function follow() {
  for (;;) {
    try {
      const open = [...calls.values()].some((call) => call.running);
      // A running stream tells nobody when it ends, so it is looked at every second.
      const after = open ? Math.min(...[...calls.values()].filter((it) => it.running).map((it) => it.number)) - 1 : last;
      const wait = open ? "" : "&wait=25";
      const found = await api("GET", `/calls?after=${after}&limit=${MOST}${wait}`);
      if (found.last < last) calls = new Map();
      for (const call of found.calls) calls.set(call.number, call);
      for (const number of calls.keys()) if (number < found.first || number <= found.last - 5 * MOST) calls.delete(number);
      last = found.last;
      $("lost").hidden = true;
      draw();
      if (open) await new Promise((next) => setTimeout(next, 1000));
    } catch {
      $("lost").hidden = false;
      await new Promise((next) => setTimeout(next, 2000));
    }
  }
}

function draw() {
  if ($("view-calls").hidden) return;
  const routes = [...new Set([...calls.values()].map((call) => call.route))].sort();
  const route = $("calls-route").value;
  fill($("calls-route"), h("option", { value: "" }, t("every")), ...routes.map((it) => h("option", {}, it)));
  $("calls-route").value = routes.includes(route) ? route : "";
  const text = $("calls-text").value.toLowerCase();
  const wanted = (call) =>
    (!$("calls-route").value || call.route === $("calls-route").value) &&
    (!$("calls-failed").checked || call.failed) &&
    `${call.path} ${call.model ?? ""} ${call.endpoint ?? ""} ${call.text} ${call.error_code ?? ""}`.toLowerCase().includes(text);
  const rows = [...calls.values()].filter(wanted).reverse().slice(0, MOST);
  const focused = document.activeElement?.dataset?.number;
  if (fill($("calls-list"), ...rows.map(row)) && focused) document.querySelector(`[data-number="${focused}"]`)?.focus();
  for (const button of $("calls-list").querySelectorAll("button")) button.onclick = () => choose(Number(button.dataset.number), true);
  $("calls-none").hidden = rows.length > 0;
}

function row(call) {
  const status = call.status || t("broken");
  const code = call.error_code === null ? "" : ` ${call.error_code}`;
  const about = [call.model ?? call.endpoint, call.text].filter(Boolean).join(" · ");
  const title = h("button.link", { type: "button", "data-number": call.number }, `${call.method} ${call.route}`);
  return h(
    `tr${call.number === chosen ? ".chosen" : ""}`, {},
    h("td.dim", {}, String(call.number)),
    h("td", {}, h(`span.badge.${call.failed ? "bad" : "good"}`, {}, `${status}${code}`)),
    h("td.about", {}, title, h("div.dim", {}, about || call.path)),
    h("td.dim", {}, call.running ? t("running") : took(call.duration)),
  );
}

async function choose(number, focus = false) {
  chosen = number;
  if (number === null) return fill($("call"), h("p.none", {}, t("pick")));
  draw();
  try {
    const call = await api("GET", `/calls/${number}`);
    if (chosen !== number) return;
    fill($("call"), ...detail(call));
    for (const button of $("call").querySelectorAll("[data-copy]")) button.onclick = () => copy(button, call[button.dataset.copy]);
    if (focus) $("call").focus();
  } catch {
    chosen = null;
    show();
  }
}

function detail(call) {
  const events = Array.isArray(call.reply) && call.stream ? ` · ${call.reply.length} ${t("events")}` : "";
  return [
    h("h3", {}, `#${call.number} ${call.method} ${call.path}`),
    h("p.dim", {}, `${when(call.time)} · ${call.status || t("broken")} · ${took(call.duration)}${events}`),
    call.fault && h("p.wrong", {}, `${t("suffered")}: `, h("code", {}, call.fault)),
    h("p.tools", {},
      h("button", { type: "button", "data-copy": "curl" }, t("copyCurl")),
      h("button", { type: "button", "data-copy": "python" }, t("copyPython"))),
    h("h4", {}, t("asked")), pre(call.body),
    h("h4", {}, t("answered")), pre(call.reply),
    h("details", {}, h("summary", {}, t("headers")), pre({ ...call.query, ...call.headers })),
  ];
}

const pre = (value) => h("pre", { tabindex: "0" }, typeof value === "string" ? value : JSON.stringify(value, null, 2));

async function copy(button, text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyByHand(text);
  say(t("copied"));
  button.textContent = t("copied");
  setTimeout(() => (button.textContent = t(button.dataset.copy === "curl" ? "copyCurl" : "copyPython")), 1500);
}

/** Copy where there is no clipboard for scripts: in a page of another machine, without TLS. */
function copyByHand(text) {
  const area = h("textarea.unseen", { readonly: true }, text);
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
