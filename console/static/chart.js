/* Draws the series named by each `.chart[data-chart]` with uPlot. Nulls are gaps: no line crosses them. */
"use strict";
(() => {
  if (!window.uPlot) return;
  const ink = "#0b4f8a", band = "rgba(11,79,138,.16)", dim = "#5b6b7c", grid = "#e3e9f0", bad = "#b42318";
  const language = document.documentElement.lang;

  const writer = (series) => (value) => {
    if (value == null) return "–";
    const word = series.words[String(Math.round(value))];
    if (word && series.stepped) return word;
    return `${new Intl.NumberFormat(language, { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 1 }).format(value)} ${series.unit}`.trim();
  };

  /** Vertical marks where the incident began and ended, and the stretch between them tinted. */
  const marks = (from, to) => ({
    hooks: {
      drawClear: (plot) => {
        if (!from) return;
        const { ctx, bbox } = plot;
        const x = (at) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, plot.valToPos(at, "x", true)));
        const left = x(from), right = x(to || plot.scales.x.max);
        ctx.save();
        ctx.fillStyle = "rgba(180,35,24,.07)";
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
        ctx.fillStyle = bad;
        ctx.fillRect(left, bbox.top, 1.5 * devicePixelRatio, bbox.height);
        ctx.restore();
      },
    },
  });

  const high = (box) => (box.classList.contains("tall") ? 290 : 215);

  const columns = (series, expected) => {
    const data = [series.at, series.value];
    if (series.low.length) data.push(series.low, series.high);
    if (expected != null) data.push(series.at.map(() => expected));
    return data;
  };

  const options = (box, series, expected) => {
    const write = writer(series), show = (_, value) => write(value);
    const paths = series.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined;
    const lines = [{ label: box.dataset.time }, { label: series.label + (series.index ? ` ${series.index}` : ""), stroke: ink, width: 2, value: show, paths, spanGaps: false, points: { show: series.at.length < 60, size: 5 } }];
    const bands = [];
    if (series.low.length) {
      lines.push({ label: box.dataset.low, stroke: "transparent", value: show, points: { show: false } }, { label: box.dataset.high, stroke: "transparent", value: show, points: { show: false } });
      bands.push({ series: [3, 2], fill: band });
    }
    if (expected != null) lines.push({ label: box.dataset.expectedWord, stroke: bad, dash: [6, 5], width: 1.5, value: show, points: { show: false } });
    const axis = { stroke: dim, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } };
    const y = { ...axis, size: 62, ...(series.stepped ? { incrs: [1, 2, 5] } : {}), values: (_, ticks) => ticks.map((tick) => (series.stepped ? series.words[String(tick)] || (Number.isInteger(tick) ? String(tick) : "") : new Intl.NumberFormat(language, { notation: Math.abs(tick) >= 1e5 ? "compact" : "standard" }).format(tick))) };
    const hour = (at) => new Intl.DateTimeFormat(language, { timeZone: series.tz, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
    const full = new Intl.DateTimeFormat(language, { timeZone: series.tz, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    lines[0].value = (_, at) => (at == null ? "–" : full.format(at));
    const known = series.at.length ? series.at[0] : series.start;
    const least = known - series.start > (series.end - series.start) * 0.75 ? known - (series.end - known) * 0.03 : series.start;
    return {
      width: box.clientWidth, height: high(box), ms: 1,
      tzDate: (at) => uPlot.tzDate(new Date(at), series.tz),
      scales: { x: { time: true, range: [least, series.end] }, y: { range: (_, low, high) => (low == null ? [0, 1] : uPlot.rangeNum(low, high === low ? high + 1 : high, 0.1, true)) } },
      series: lines, bands,
      axes: [{ ...axis, values: (plot, ticks) => { const long = plot.scales.x.max - plot.scales.x.min > 36e5 * 36; const day = new Intl.DateTimeFormat(language, { timeZone: series.tz, month: "numeric", day: "numeric" }); return ticks.map((tick) => (long ? day.format(tick) : hour(tick))); } }, y],
      plugins: [marks(Number(box.dataset.from), Number(box.dataset.to))],
      legend: { live: true },
      cursor: { drag: { x: true, y: false } },
    };
  };

  const draw = async (box) => {
    const url = new URL(box.dataset.chart, location.href);
    if ("follow" in box.dataset) {
      const end = Math.round(window.roundsman.now()), span = Number(url.searchParams.get("end")) - Number(url.searchParams.get("start"));
      url.searchParams.set("start", String(end - span));
      url.searchParams.set("end", String(end));
    }
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const series = await answer.json();
    const expected = box.dataset.expected === undefined ? null : Number(box.dataset.expected);
    if (!series.at.length) {
      if (!box.plot) { box.textContent = box.dataset.none; box.classList.add("nothing"); }
      return;
    }
    if (box.plot) box.plot.destroy();
    box.textContent = "";
    box.classList.remove("nothing");
    box.plot = new uPlot(options(box, series, expected), columns(series, expected), box);
    box.dataset.drawn = String(series.value.filter((value) => value !== null).length);
  };

  const boxes = [...document.querySelectorAll(".chart[data-chart]")];
  const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => target.plot && target.plot.setSize({ width: target.clientWidth, height: high(target) })));
  boxes.forEach((box) => { draw(box); resized.observe(box); });
  let last = performance.now();
  document.addEventListener("roundsman:readings", () => {
    if (performance.now() - last < 5000 || document.hidden) return;
    last = performance.now();
    boxes.filter((box) => "follow" in box.dataset && !box.matches(":hover")).forEach(draw);
  });
})();
