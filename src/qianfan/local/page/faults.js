// What goes wrong, and what is allowed: switches for the usual faults, JSON for all others, quotas.
import { $, api, fill, h, say } from "./dom.js";
import { t } from "./words.js";

const USUAL = {
  f429: { on: { route: "chat", every: 2 }, do: [{ kind: "status", status: 429, retry_after: 1 }] },
  f503: { on: { route: "*", p: 0.2 }, do: [{ kind: "status", status: 503 }] },
  fbusy: { on: { route: "chat", nth: 1 }, do: [{ kind: "code", code: 336100 }] },
  fslow: { on: { route: "chat" }, do: [{ kind: "delay", seconds: 2 }] },
  fcut: { on: { route: "chat", stream: true }, do: [{ kind: "cut", after: 3 }] },
  freset: { on: { route: "chat" }, do: [{ kind: "reset" }] },
  ftoken: { on: { route: "chat" }, do: [{ kind: "code", code: 111 }] },
};

const own = new Map(); // other faults that were on once, by their JSON: so that they can be switched on again

export function start() {
  $("faults-clear").addEventListener("click", () => change("DELETE", "/faults"));
  $("fault-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("fault-wrong", () => change("POST", "/faults", JSON.parse($("fault-json").value)));
  });
  $("quota-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const limit = (name) => ($(`quota-${name}`).value === "" ? null : Number($(`quota-${name}`).value));
    attempt("quota-wrong", async () => {
      await api("PUT", "/quotas", { qps: limit("qps"), rpm: limit("rpm"), tpm: limit("tpm") });
      say(t("applied"));
    });
  });
  // One listener for all, as the switches are made anew.
  $("faults").addEventListener("click", (event) => {
    const button = event.target.closest("[role=switch]");
    if (!button) return;
    if (button.dataset.id) change("DELETE", `/faults/${button.dataset.id}`);
    else change("POST", "/faults", JSON.parse(button.dataset.fault));
  });
}

export async function show() {
  const quotas = await api("GET", "/quotas");
  for (const name of ["qps", "rpm", "tpm"]) $(`quota-${name}`).value = quotas[name] ?? "";
  await refresh();
}

export async function refresh() {
  const { faults } = await api("GET", "/faults");
  const usual = new Map(Object.entries(USUAL).map(([name, fault]) => [text(fault), name]));
  const on = new Map(faults.map((fault) => [text(fault), fault]));
  for (const [json, fault] of on) if (!usual.has(json)) own.set(json, fault.python);
  const focused = document.activeElement?.dataset?.fault;
  fill($("faults"),
    ...[...usual].map(([json, name]) => toggle(json, t(name), on.get(json))),
    ...[...own].map(([json, python]) => toggle(json, python, on.get(json))));
  if (focused) $("faults").querySelector(`[data-fault="${CSS.escape(focused)}"]`)?.focus();
}

/** A fault as text: the same for the same fault, whoever made it. */
const text = ({ on, do: effects }) => JSON.stringify(sorted({ on, do: effects }));

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

function toggle(json, label, fault) {
  const count = fault ? `${t("met")} ${fault.met} · ${t("hits")} ${fault.hits}` : "";
  return h("button.switch", { type: "button", role: "switch", "aria-checked": fault ? "true" : "false", "data-fault": json, "data-id": fault?.id },
    h("span", {}, label), h("small.dim", {}, count));
}

async function change(method, path, body) {
  await api(method, path, body);
  await refresh();
}

async function attempt(place, action) {
  $(place).textContent = "";
  try {
    await action();
  } catch (error) {
    $(place).textContent = error.message;
  }
}
