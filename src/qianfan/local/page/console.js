// Models, fine-tuning and services: what the account has.
import { talkTo } from "./chat.js";
import { $, api, fill, h, table, took, when } from "./dom.js";
import { t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const GOOD = new Set(["FINISH", "Done"]);
const BAD = new Set(["FAIL", "STOP"]);

export function start() {
  $("jobs-advance").addEventListener("click", async () => {
    await api("POST", "/clock/advance", { minutes: 10 });
    showJobs();
  });
  // One listener for all, as rows are made anew.
  $("main").addEventListener("click", (event) => event.target.dataset.talk && talkTo(event.target.dataset.talk));
}

export async function showModels() {
  const { catalogue, published, endpoints } = await api("GET", "/models");
  const versions = published.flatMap((model) => model.versions.map((version) => ({ model, version })));
  const part = (title, titles, rows) => [h("h3", {}, title), rows.length ? table(titles, rows) : h("p.none", {}, t("nothing"))];
  fill($("models"),
    ...part(t("published"), [t("name"), t("version"), t("base"), t("created")],
      versions.map(({ model, version }) => [model.name, `v${version.version}`, version.train_type, when(version.created)])),
    ...part(t("endpoints"), [t("name"), t("kind"), ""], endpoints.map((it) => [it.name, it.kind, talk(it.name, it.kind)])),
    ...part(t("catalogue"), [t("name"), t("kind"), ""], catalogue.map((it) => [it.name, it.kind, talk(it.name, it.kind)])));
}

export async function showServices() {
  const { services } = await api("GET", "/services");
  if (!services.length) return fill($("services"), h("p.none", {}, t("noServices")));
  fill($("services"), table([t("name"), t("status"), t("base"), t("address"), ""],
    services.map((it) => [it.title, badge(it.status), it.train_type, h("code", {}, `/chat/${it.uri}`), talk(it.uri, "chat")])));
}

export async function showJobs() {
  const { jobs } = await api("GET", "/jobs");
  if (jobs.length) return fill($("jobs"), ...jobs.map(job));
  fill($("jobs"), h("div.card", {}, h("p", {}, t("noJobs")), h("pre", {}, "qianfan finetune --help")));
}

const badge = (status) => h(`span.badge${GOOD.has(status) ? ".good" : BAD.has(status) ? ".bad" : ""}`, {}, t(status));
const talk = (name, kind) => kind === "chat" && h("button.link", { type: "button", "data-talk": name }, t("try"));

function job(it) {
  const last = it.losses.at(-1);
  return h("article.card", { "data-job": it.id },
    h("div.head", {}, h("h3", {}, `${it.task_name ?? it.task} v${it.version}`), badge(it.status)),
    h("p.dim", {}, `${it.train_type} · ${it.config.peftType} · ${it.samples} ${t("samples")} · ${took(it.duration)}`),
    h("div.progress", {}, h("progress", { max: 100, value: it.progress, "aria-label": t("progress") }), h("span", {}, `${it.progress}%`)),
    it.message && h("p.wrong", {}, it.message),
    it.losses.length > 1 && h("figure", {}, curve(it.losses), h("figcaption.dim", {}, `${t("loss")} · step ${last.step} · loss ${last.loss}`)));
}

/** Draw a loss curve; its last values stand in words beside it. */
function curve(losses) {
  const [width, height, left, bottom] = [320, 120, 34, 16];
  const steps = losses.at(-1).step;
  const [low, high] = [Math.min(...losses.map((it) => it.loss)), Math.max(...losses.map((it) => it.loss))];
  const x = (step) => left + ((width - left - 6) * step) / steps;
  const y = (loss) => 8 + ((height - bottom - 12) * (high - loss)) / (high - low || 1);
  const svg = (tag, attributes, text = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  };
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("loss") });
  for (const loss of [high, (high + low) / 2, low]) {
    drawing.append(svg("line", { x1: left, x2: width - 6, y1: y(loss), y2: y(loss), class: "grid" }));
    drawing.append(svg("text", { x: left - 5, y: y(loss) + 3, "text-anchor": "end" }, loss.toFixed(2)));
  }
  drawing.append(svg("text", { x: width - 6, y: height - 3, "text-anchor": "end" }, `step ${steps}`));
  drawing.append(svg("polyline", { points: losses.map((it) => `${x(it.step).toFixed(1)},${y(it.loss).toFixed(1)}`).join(" "), class: "curve" }));
  return drawing;
}
