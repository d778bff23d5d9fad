// The platform's clock: to look at, to move, to stop; and the way back to the beginning.
import { $, api, h, when } from "./dom.js";
import { t } from "./words.js";

const STEPS = { m1: { minutes: 1 }, m10: { minutes: 10 }, h1: { hours: 1 }, d1: { days: 1 }, d31: { days: 31 } };

export function start() {
  $("clock-steps").addEventListener("click", async (event) => {
    const step = STEPS[event.target.dataset.step];
    if (step) draw(await api("POST", "/clock/advance", step));
  });
  $("clock-frozen").addEventListener("click", async () => {
    const frozen = $("clock-frozen").getAttribute("aria-checked") === "true";
    draw(await api("POST", frozen ? "/clock/unfreeze" : "/clock/freeze"));
  });
  $("reset").addEventListener("click", async () => confirm(t("sure")) && (await api("POST", "/reset"), refresh()));
}

export function show() {
  $("clock-steps").replaceChildren(...Object.keys(STEPS).map((name) => h("button", { type: "button", "data-step": name }, t(name))));
  return refresh();
}

export const refresh = async () => draw(await api("GET", "/clock"));

function draw(clock) {
  $("clock-badge").textContent = `${clock.frozen ? "⏸ " : ""}${when(clock.now)}`;
  $("clock-now").textContent = when(clock.now);
  $("clock-frozen").setAttribute("aria-checked", clock.frozen ? "true" : "false");
  const ahead = Math.round(clock.offset);
  const days = Math.floor(ahead / 86400);
  const rest = new Date((ahead % 86400) * 1000).toISOString().slice(11, 19);
  $("clock-offset").textContent = ahead > 0 ? `${t("ahead")} ${days ? `${days} d ` : ""}${rest}` : t("inStep");
}
