(function () {
  "use strict";
  // Every table sorts by a click on a column's name, once up and once down; its own order comes back with the third.
  var units = { s: 1, min: 60, h: 3600, d: 86400 };
  function figure(text) {
    var found = /^-?[\d,]+(\.\d+)?(?: (s|min|h|d)\b)?/.exec(text.trim());
    return found ? parseFloat(found[0].replace(/,/g, "")) * (units[found[2]] || 1) : null;
  }
  function compared(a, b, isNumber) {
    if (!isNumber) { return a.localeCompare(b, "en", { numeric: true }); }
    var one = figure(a), other = figure(b);
    return one === null || other === null ? (one === null) - (other === null) : one - other;
  }
  function sort(table, place, order) {
    var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows), isNumber = table.tHead.rows[0].cells[place].classList.contains("n");
    function cell(row) { return row.cells[place].textContent; }
    rows.sort(function (a, b) {
      if (!order) { return a.memmonPlace - b.memmonPlace; }
      var isMissing = isNumber && (figure(cell(a)) === null || figure(cell(b)) === null);
      return compared(cell(a), cell(b), isNumber) * (isMissing ? 1 : order) || a.memmonPlace - b.memmonPlace;
    });
    rows.forEach(function (row) { body.appendChild(row); });
  }
  document.querySelectorAll("main table").forEach(function (table) {
    if (!table.tHead || !table.tBodies[0] || table.tBodies[0].rows.length < 2 || table.tHead.querySelector("a, button")) { return; }
    Array.prototype.forEach.call(table.tBodies[0].rows, function (row, place) { row.memmonPlace = place; });
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    heads.forEach(function (head, place) {
      var button = document.createElement("button");
      button.type = "button"; button.className = "sort";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var order = { ascending: -1, descending: 0 }[head.getAttribute("aria-sort")];
        if (order === undefined) { order = 1; }
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        if (order) { head.setAttribute("aria-sort", order > 0 ? "ascending" : "descending"); }
        sort(table, place, order);
      });
    });
  });
})();
