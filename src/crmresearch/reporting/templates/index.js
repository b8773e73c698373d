for (const button of document.querySelectorAll(".sortable button")) {
  button.addEventListener("click", () => {
    const heading = button.closest("th"), table = heading.closest("table"), body = table.tBodies[0];
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => row.cells[heading.cellIndex].textContent.trim();
    const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), document.documentElement.lang, {numeric: true}));
    body.append(...(down ? rows.reverse() : rows));
  });
}
