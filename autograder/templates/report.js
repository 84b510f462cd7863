// Draws the plots and makes the tables sortable and the students' one filterable. Without it the page can be read, too.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// ---------------------------------------------------------------------------------------------- plots

function dataset(series, chart, index) {
  const points = series.values.map((value) => (Array.isArray(value) ? { x: value[0], y: value[1] } : value));
  return {
    label: series.label,
    data: points,
    backgroundColor: colour(series.tone),
    borderColor: colour("card"),
    borderWidth: 1,
    categoryPercentage: chart.kind === "bars" ? 1 : 0.9,
    barPercentage: chart.kind === "bars" ? 0.96 : 0.85,
    pointRadius: [5, 7][index % 2],
    pointHoverRadius: 9,
    pointStyle: ["circle", "triangle"][index % 2],
  };
}

function axis(title, more) {
  const color = colour("text");
  return {
    beginAtZero: true,
    ...more,
    title: { display: title !== "", text: title, color },
    ticks: { ...more.ticks, color },
    grid: { ...more.grid, color: colour("line") },
  };
}

function settings(chart) {
  const scatter = chart.kind === "scatter";
  const rows = chart.kind === "rows";
  const counts = { ticks: { precision: 0 }, stacked: true };
  const labels = { stacked: true, grid: { display: false } };
  if (rows) {
    labels.ticks = { autoSkip: false, callback: (index) => short(chart.labels[index], innerWidth < 600 ? 14 : 36) };
  }
  return {
    type: scatter ? "scatter" : "bar",
    data: { labels: chart.labels, datasets: chart.series.map((series, index) => dataset(series, chart, index)) },
    options: {
      indexAxis: rows ? "y" : "x",
      animation: false,
      color: colour("text"),
      maintainAspectRatio: false,
      interaction: { mode: scatter ? "nearest" : "index", axis: rows ? "y" : scatter ? "xy" : "x", intersect: scatter },
      scales: {
        x: axis(chart.across, scatter ? { min: 0, max: 100 } : rows ? counts : labels),
        y: axis(chart.up, scatter ? { suggestedMax: 1 } : rows ? labels : counts),
      },
      plugins: {
        colors: { enabled: false },
        legend: { display: chart.series.length > 1, labels: { usePointStyle: scatter } },
        tooltip: {
          backgroundColor: colour("card"),
          borderColor: colour("muted"),
          borderWidth: 1,
          titleColor: colour("text"),
          bodyColor: colour("text"),
          callbacks: {
            title: (items) => (items.length && !scatter ? chart.names[items[0].dataIndex] : ""),
            label: (item) => told(chart, item.datasetIndex, item.dataIndex),
          },
        },
      },
    },
  };
}

function told(chart, seriesIndex, index) {
  const series = chart.series[seriesIndex];
  if (chart.kind !== "scatter") return `${series.label}: ${series.values[index]}`;
  const [x, y] = series.values[index];
  return `${series.names[index]}: ${x.toFixed(0)} % of the points, discrimination ${y.toFixed(2)}`;
}

// The arrow keys go through the values as the mouse does; what they meet is shown, and said by screen readers.
function walk(canvas, chart) {
  const stops =
    chart.kind === "scatter"
      ? chart.series.flatMap((series, s) => series.values.map((_, index) => [{ datasetIndex: s, index }]))
      : chart.labels.map((_, index) => chart.series.map((_, s) => ({ datasetIndex: s, index })));
  const status = canvas.closest("figure").querySelector(".spoken");
  let at = -1;
  const show = (active) => {
    const drawn = Chart.getChart(canvas);
    drawn.setActiveElements(active);
    const place = active.length ? drawn.getDatasetMeta(active[0].datasetIndex).data[active[0].index] : { x: 0, y: 0 };
    drawn.tooltip.setActiveElements(active, { x: place.x, y: place.y });
    drawn.update("none");
  };
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !stops.length) return;
    event.preventDefault();
    at = at < 0 && step < 0 ? stops.length - 1 : (at + step + stops.length) % stops.length;
    show(stops[at]);
    const name = chart.kind === "scatter" ? "" : `${chart.names[at]}, `;
    status.textContent = name + stops[at].map((stop) => told(chart, stop.datasetIndex, stop.index)).join(", ");
  });
  canvas.addEventListener("blur", () => show([]));
}

function place(chart) {
  const canvas = document.getElementById(chart.name);
  const box = canvas.parentElement;
  const height = { rows: 90 + 30 * chart.labels.length, bars: 260, scatter: 380 }[chart.kind];
  box.hidden = false;
  box.style.height = `${height}px`;
  walk(canvas, chart);
  return canvas;
}

function draw(canvas, chart) {
  Chart.getChart(canvas)?.destroy();
  new Chart(canvas, settings(chart));
}

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
const plots = JSON.parse(document.getElementById("plots").textContent).map((chart) => [place(chart), chart]);
const drawAll = () => plots.forEach(([canvas, chart]) => draw(canvas, chart));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
drawAll();

// --------------------------------------------------------------------------------------------- tables

const collator = new Intl.Collator(undefined, { numeric: true });

function sortable(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const number = head.classList.contains("number");
    // What is no number, such as a dash, has no place in an order of numbers and comes last.
    const read = (row) => {
      const text = row.cells[column].textContent.trim();
      return number ? parseFloat(text.replace("−", "-").replace(/[<>]/, "")) : text;
    };
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.ariaSort === "ascending" || (number && head.ariaSort !== "descending");
      for (const other of heads) other.removeAttribute("aria-sort");
      head.ariaSort = down ? "descending" : "ascending";
      const keys = new Map(rows.map((row) => [row, read(row)]));
      const order = (a, b) => (number ? a - b : collator.compare(a, b)) * (down ? -1 : 1);
      rows.sort((a, b) => {
        const [x, y] = [keys.get(a), keys.get(b)];
        if (number && (Number.isNaN(x) || Number.isNaN(y))) return Number.isNaN(x) - Number.isNaN(y);
        return order(x, y);
      });
      body.append(...rows);
    });
  });
}

function filterable(form, table, shown) {
  const rows = [...table.tBodies[0].rows];
  const [score, verdict] = [1, 3];
  const message = rows.length ? rows[0].cells.length - 1 : 0;
  const flags = message - 2;
  const facts = rows.map((row) => {
    const text = (column) => row.cells[column].textContent;
    return {
      row,
      text: `${text(0)} ${text(message)}`.toLowerCase(),
      verdict: text(verdict),
      score: parseFloat(text(score)),
      flags: Number(text(flags)),
    };
  });
  const apply = () => {
    const wanted = form.elements;
    const words = wanted.text.value.trim().toLowerCase();
    const most = wanted.most.value === "" ? null : Number(wanted.most.value);
    let count = 0;
    for (const fact of facts) {
      const kept =
        fact.text.includes(words) &&
        (wanted.verdict.value === "" || fact.verdict === wanted.verdict.value) &&
        (most === null || fact.score <= most) &&
        (!wanted.flagged.checked || fact.flags > 0);
      fact.row.hidden = !kept;
      count += kept;
    }
    shown.textContent = count === facts.length ? `${count} students` : `${count} of ${facts.length} students`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
}

document.querySelectorAll("table.sortable").forEach(sortable);
filterable(
  document.getElementById("filter"),
  document.getElementById("students-table"),
  document.getElementById("shown"),
);
