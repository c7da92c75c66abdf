(function () {
  "use strict";
  // The dashboard's pages stay live by asking for themselves, unless the reader stops them or looks elsewhere. What
  // can't be had for a while is asked for again, and what was shown stays: a page outlives its server.
  var button = document.getElementById("live");
  if (!button) { return; }
  var RETRY_SECONDS = 5, LATEST_SECONDS = 60;
  var seconds = Number(button.getAttribute("data-seconds")), timer = null, asking = false, on = true;
  // A page that is not whole yet asks for the whole, live or not.
  var isWhole = !document.querySelector("[aria-busy='true']");
  var state = document.createElement("span");
  state.className = "live-state"; state.setAttribute("role", "status");
  button.parentNode.insertBefore(state, button.nextSibling);
  try { on = sessionStorage.getItem("memmon-live") !== "off"; } catch (error) { /* storage may be forbidden */ }

  function say(words, isLost) { if (state.textContent !== words) { state.textContent = words; } state.classList.toggle("lost", Boolean(isLost)); }
  function show() { button.setAttribute("aria-pressed", String(on)); }
  function wait(length) { clearTimeout(timer); timer = setTimeout(look, length * 1000); }
  function opened() {
    return Array.prototype.slice.call(document.querySelectorAll("details")).map(function (one) { return one.open; });
  }

  // The rows that the reader looks at stay where they are, though others come above them. A source is known by its
  // name whatever is said of it, any other row by its words.
  var AREAS = ".scroll, .fleet", FOLLOWED = 5;
  function rowWords(element) {
    var row = element && element.closest ? element.closest("tr") : null, link = row && row.classList.contains("row") ? row.querySelector("th a") : null;
    return link ? link.getAttribute("href") : row ? row.textContent : null;
  }
  function rowsOf(area) { return Array.prototype.slice.call(area.querySelectorAll("tbody tr")); }
  function looked(area) {
    var begin = Math.max(area.getBoundingClientRect().top, 0), isDown = area.scrollTop > 0 || area.getBoundingClientRect().top < 0;
    var rows = isDown ? rowsOf(area).filter(function (one) { return !one.hidden && one.getBoundingClientRect().top >= begin; }).slice(0, FOLLOWED) : [];
    return { label: area.getAttribute("aria-label"), old: area, top: area.scrollTop, left: area.scrollLeft,
      rows: rows.map(function (one) { return [rowWords(one), one.getBoundingClientRect().top]; }) };
  }
  function lookAgain(seen) {
    if (seen.old.isConnected) { return; }
    document.querySelectorAll(AREAS).forEach(function (area) {
      if (area.getAttribute("aria-label") !== seen.label) { return; }
      area.scrollTop = seen.top; area.scrollLeft = seen.left;
      var places = {};
      rowsOf(area).forEach(function (one) { places[rowWords(one)] = one.getBoundingClientRect().top; });
      // A row that went elsewhere by itself does not take the reader with it: as most of them moved, else as the first.
      var moves = seen.rows.filter(function (one) { return one[0] in places; }).map(function (one) { return places[one[0]] - one[1]; });
      if (!moves.length) { return; }
      var alike = moves.map(function (one) { return moves.filter(function (other) { return Math.abs(one - other) < 2; }).length; });
      var moved = moves[alike.indexOf(Math.max.apply(null, alike))];
      if (seen.top > 0) { area.scrollTop += moved; } else { scrollBy(0, moved); }
    });
  }

  // Parts that differ are exchanged; what is typed, scrolled or in focus stays.
  function exchange(fresh) {
    var focus = document.activeElement && document.activeElement.getAttribute ? document.activeElement.getAttribute("href") : null;
    var row = rowWords(document.activeElement), areas = Array.prototype.slice.call(document.querySelectorAll("[data-part] .scroll, [data-part] .fleet")).map(looked);
    fresh.querySelectorAll("[data-part]").forEach(function (part) {
      var old = document.querySelector('[data-part="' + part.getAttribute("data-part") + '"]');
      if (old && old.outerHTML !== part.outerHTML) { old.replaceWith(document.importNode(part, true)); }
    });
    if (focus && document.activeElement === document.body) {
      var links = Array.prototype.slice.call(document.querySelectorAll("main a")).filter(function (link) { return link.getAttribute("href") === focus; });
      var same = links.filter(function (link) { return rowWords(link) === row; })[0] || links[0];
      if (same) { same.focus({ preventScroll: true }); }
    }
    areas.forEach(lookAgain);
    var icon = fresh.getElementById("icon"), mine = document.getElementById("icon");
    if (icon && mine && icon.getAttribute("href") !== mine.getAttribute("href")) { mine.setAttribute("href", icon.getAttribute("href")); }
    document.title = fresh.title;
    document.dispatchEvent(new Event("memmon-fresh"));
  }
  function focusable() { return Array.prototype.slice.call(document.querySelectorAll("a[href], button, summary, select, input, [tabindex]")); }
  function called(element) { return element.tagName + (element.getAttribute("href") || element.id || element.getAttribute("aria-label") || element.textContent); }
  function focused() { return focusable().indexOf(document.activeElement) < 0 ? null : called(document.activeElement); }
  function refocus(name) {
    var same = name ? focusable().filter(function (one) { return called(one) === name; })[0] : null;
    if (same) { same.focus({ preventScroll: true }); }
  }
  // What stands first in the reader's window, and where: what comes or goes above it does not move it.
  function titled() { return Array.prototype.slice.call(document.querySelectorAll("main h2, main h3, main summary")); }
  function nameOf(element) { return element.id || element.textContent; }
  function seenFirst() {
    var one = scrollY > 0 && titled().filter(function (each) { return each.getBoundingClientRect().top >= 0 && each.offsetParent; })[0];
    return one ? [nameOf(one), one.getBoundingClientRect().top] : null;
  }
  function showAgain(place, top) {
    scrollTo(0, top);
    var one = place && titled().filter(function (each) { return nameOf(each) === place[0]; })[0];
    if (one) { scrollBy(0, one.getBoundingClientRect().top - place[1]); }
  }
  // Charts begin anew with the page: the zoom is in its address; what was opened, the scroll and the focus are kept here.
  function anew() {
    if (!isWhole) { location.reload(); return; }
    try {
      sessionStorage.setItem("memmon-opened", JSON.stringify([location.pathname + location.search, opened(), scrollY, focused(), seenFirst()]));
      history.scrollRestoration = "manual";
    } catch (error) { /* same */ }
    location.reload();
  }
  function reopen() {
    try {
      var kept = JSON.parse(sessionStorage.getItem("memmon-opened") || "null");
      sessionStorage.removeItem("memmon-opened");
      // Some browsers restore the scroll by themselves once all is loaded, each in its own way.
      addEventListener("load", function () { setTimeout(function () { history.scrollRestoration = "auto"; }, 0); });
      if (!kept || kept[0] !== location.pathname + location.search) { return; }
      document.querySelectorAll("details").forEach(function (one, index) { if (kept[1][index]) { one.open = true; } });
      refocus(kept[3]);
      showAgain(kept[4], kept[2]);
    } catch (error) { /* same */ }
  }

  function take(answer, text) {
    var fresh = new DOMParser().parseFromString(text, "text/html");
    var isSame = document.body.getAttribute("data-page") === fresh.body.getAttribute("data-page");
    var next = fresh.getElementById("live");
    if (!isSame || !document.querySelector("[data-part]")) { anew(); return; }
    exchange(fresh);
    if (next) { seconds = Number(next.getAttribute("data-seconds")); }
    say("");
    wait(seconds);
  }
  function look() {
    if (asking || (isWhole && (!on || document.hidden))) { wait(seconds); return; }
    asking = true;
    var stop = new AbortController(), late = setTimeout(function () { stop.abort(); }, LATEST_SECONDS * 1000);
    fetch(location.pathname + location.search, { credentials: "same-origin", cache: "no-store", signal: stop.signal }).then(function (answer) {
      if (answer.status === 401) { location.reload(); return null; }
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.text().then(function (text) { take(answer, text); });
    }).catch(function () { say("reconnecting\u2026", true); wait(RETRY_SECONDS); }).then(function () { clearTimeout(late); asking = false; });
  }

  button.hidden = false;
  button.addEventListener("click", function () {
    on = !on;
    try { sessionStorage.setItem("memmon-live", on ? "on" : "off"); } catch (error) { /* same */ }
    say(""); show();
    if (on) { look(); }
  });
  document.addEventListener("visibilitychange", function () { if (!document.hidden && on) { wait(0.2); } });
  if (isWhole) { reopen(); }
  show(); wait(isWhole ? seconds : 0);
})();
