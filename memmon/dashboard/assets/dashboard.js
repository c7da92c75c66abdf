(function () {
  "use strict";
  // The overview's search and its keys; without this script the form and the links do the same, a page at a time.
  var field = document.getElementById("find");
  if (!field) { return; }
  var found = document.getElementById("found");

  function rows() { return Array.prototype.slice.call(document.querySelectorAll("tr.row")); }
  function seek() {
    var sought = field.value.trim().toLowerCase(), count = 0;
    rows().forEach(function (row) {
      var isHere = row.getAttribute("data-sought").indexOf(sought) >= 0;
      row.hidden = !isHere;
      if (isHere) { count++; }
    });
    document.querySelectorAll("tbody").forEach(function (body) {
      var head = body.querySelector("tr.group");
      if (head) { head.hidden = !body.querySelector("tr.row:not([hidden])"); }
    });
    found.textContent = sought ? count + " found" : "";
  }
  // What is sought stands in the address: loading it anew, or sending it, shows the same.
  function remember() {
    var address = new URL(location.href), sought = field.value.trim();
    if (sought) { address.searchParams.set("q", sought); } else { address.searchParams.delete("q"); }
    try { history.replaceState(null, "", address); } catch (error) { /* an address that may not change */ }
    carry(sought);
  }
  // The states, the groups and the columns' order lead on with what is sought.
  function carry(sought) {
    document.querySelectorAll("nav.choices a, .fleet thead a").forEach(function (link) {
      var address = new URL(link.href);
      if (sought) { address.searchParams.set("q", sought); } else { address.searchParams.delete("q"); }
      link.setAttribute("href", address.pathname + address.search);
    });
  }
  function clear() { field.value = ""; seek(); remember(); }
  function step(by) {
    var links = rows().filter(function (row) { return !row.hidden; }).map(function (row) { return row.querySelector("th a"); });
    if (!links.length) { return; }
    var here = links.indexOf(document.activeElement);
    var next = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + by, 0), links.length - 1);
    links[next].focus();
    links[next].closest("tr").scrollIntoView({ block: "nearest" });
  }

  field.addEventListener("input", function () { seek(); remember(); });
  field.form.addEventListener("submit", function (event) { event.preventDefault(); seek(); remember(); step(1); });
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    var isTyping = event.target === field;
    if (event.key === "Escape") { clear(); return; }
    if (isTyping && event.key === "ArrowDown") { event.preventDefault(); step(1); return; }
    if (isTyping || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { return; }
    if (event.key === "/") { event.preventDefault(); field.focus(); field.select(); }
    else if (event.key === "j" || event.key === "k") { event.preventDefault(); step(event.key === "j" ? 1 : -1); }
  });
  document.addEventListener("memmon-fresh", seek);
  if (field.value) { seek(); }
})();
