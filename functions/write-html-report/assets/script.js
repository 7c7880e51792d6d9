"use strict";
// Filters and sorts what is there. Without it, everything is there all the same.
(() => {
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const compare = new Intl.Collator("en", { numeric: true }).compare;

  // Tables whose columns can be sorted: the first click sorts numbers from the highest, texts from A; the second turns them round.
  for (const table of all("table.sortable")) {
    for (const head of all("th[data-sort]", table)) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const numbers = head.dataset.sort === "number";
        const first = numbers ? "descending" : "ascending";
        const other = numbers ? "ascending" : "descending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        const sign = order === "ascending" ? 1 : -1;
        const value = (row) => {
          const cell = row.cells[head.cellIndex];
          const text = cell ? cell.dataset.value ?? cell.textContent.trim() : "";
          return numbers ? Number(text.replaceAll(",", "")) || 0 : text;
        };
        const body = table.tBodies[0];
        const rows = Array.from(body.rows, (row) => [value(row), row]);
        rows.sort(([a], [b]) => sign * (numbers ? a - b : compare(a, b)));
        body.append(...rows.map(([, row]) => row));
        for (const each of all("th[aria-sort]", table)) each.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
      });
    }
  }

  const tools = document.getElementById("tools");
  if (!tools) return;
  tools.hidden = false;

  const place = document.getElementById("by-rule");
  const rules = all(".rule", place).map((section) => ({
    section,
    body: section.querySelector("tbody"),
    heading: section.querySelector("h3").textContent + " " + section.id,
    rows: [],
  }));
  const found = [];
  for (const rule of rules) {
    for (const row of rule.body.rows) {
      found.push({
        rule,
        row,
        number: Number(row.id.slice(1)),
        name: row.querySelector(".name").textContent,
        since: row.dataset.t,
        text: (rule.heading + " " + row.textContent).toLowerCase(),
      });
    }
  }

  const field = (id) => document.getElementById(id);
  const shown = field("shown");

  const filter = () => {
    const words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set(all("input[name=severity]:checked", tools).map((box) => box.value));
    const service = field("service").value;
    const change = field("change").value;
    const left = new Map();
    let number = 0;
    for (const it of found) {
      const data = it.row.dataset;
      const stays =
        severities.has(data.s) &&
        (!service || data.v === service) &&
        (!change || data.c === change) &&
        words.every((word) => it.text.includes(word));
      it.row.hidden = !stays;
      if (stays) {
        number += 1;
        left.set(it.rule, true);
      }
    }
    for (const rule of rules) rule.section.hidden = !left.has(rule);
    shown.textContent = number === found.length ? "" : `${number} of ${found.length} listed violations are shown.`;
  };

  const orders = {
    worst: (a, b) => a.number - b.number,
    newest: (a, b) => compare(b.since, a.since) || a.number - b.number,
    oldest: (a, b) => compare(a.since, b.since) || a.number - b.number,
    resource: (a, b) => compare(a.name, b.name) || a.number - b.number,
  };
  const sort = () => {
    found.sort(orders[field("sort").value]);
    for (const rule of rules) rule.rows = [];
    const order = new Set();
    for (const it of found) {
      it.rule.rows.push(it.row);
      order.add(it.rule);
    }
    for (const rule of order) rule.body.append(...rule.rows);
    place.append(...Array.from(order, (rule) => rule.section));
  };

  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", filter);
  field("sort").addEventListener("change", sort);
  // The fields have their first values only after the event.
  tools.addEventListener("reset", () => setTimeout(() => { filter(); sort(); }));
  // A violation that somebody is led to must not be hidden.
  addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden) {
      tools.reset();
      setTimeout(() => target.scrollIntoView());
    }
  });
  filter();
})();
