  // The view by finger and by key; the mouse's drag is uPlot's own.
  function move(from, to) {
    var length = Math.min(to - from, data.edge - data.since), begin = Math.min(Math.max(from, data.since), data.edge - length);
    zoom(begin, begin + length);
  }
  function isWhole() { return view[0] <= data.since && view[1] >= data.edge; }
  var next = null;
  function moveSoon(from, to) {
    if (!next) { requestAnimationFrame(function () { var wanted = next; next = null; move(wanted[0], wanted[1]); }); }
    next = [from, to];
  }

  // Two fingers keep the moments below them; one drags what is zoomed in, and else reads. Up and down scrolls the page.
  function fingers(u) {
    var down = {}, begun = null;
    function places() { return Object.keys(down).map(function (id) { return down[id]; }).sort(function (a, b) { return a - b; }); }
    function begin() {
      var width = u.over.clientWidth, left = u.over.getBoundingClientRect().left, span = view[1] - view[0], from = view[0];
      begun = { left: left, width: width, from: from, span: span, at: places().map(function (x) { return from + (x - left) / width * span; }), x: places() };
    }
    function dragged() {
      var now = places();
      if (now.length >= 2) {
        var span = (begun.at[1] - begun.at[0]) / Math.max(now[1] - now[0], 8) * begun.width;
        var from = begun.at[0] - (now[0] - begun.left) / begun.width * span;
        moveSoon(from, from + Math.max(span, shortest()));
      } else if (!isWhole()) {
        var moved = (begun.x[0] - now[0]) / begun.width * begun.span;
        moveSoon(begun.from + moved, begun.from + moved + begun.span);
      } else { u.setCursor({ left: now[0] - begun.left, top: 40 }, true, true); }
    }
    u.over.addEventListener("pointerdown", function (event) {
      if (event.pointerType === "touch") { down[event.pointerId] = event.clientX; begin(); }
    });
    u.over.addEventListener("pointermove", function (event) {
      if (event.pointerId in down) { down[event.pointerId] = event.clientX; dragged(); }
    });
    ["pointerup", "pointercancel"].forEach(function (kind) {
      addEventListener(kind, function (event) { if (event.pointerId in down) { delete down[event.pointerId]; begin(); } });
    });
  }

  // Left and right read, with Shift they move what is zoomed in; + and - zoom about what is read; 0 shows all.
  function keys(u, place) {
    place.addEventListener("keydown", function (event) {
      var width = u.over.clientWidth, at = u.cursor.left >= 0 ? u.cursor.left : width / 2, span = view[1] - view[0];
      var step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], factor = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) { return; }
      if (step && event.shiftKey) { move(view[0] + step * span / 10, view[1] + step * span / 10); }
      else if (step) {
        place.parentNode.querySelector(".readout").removeAttribute("aria-hidden");
        u.setCursor({ left: Math.min(Math.max(at + step * width / 60, 0), width - 1), top: 40 }, true, true);
      } else if (factor) {
        var from = view[0] + at / width * span * (1 - factor);
        move(from, from + Math.max(span * factor, shortest()));
      } else if (event.key === "0") { zoom(data.since, data.edge); }
      else { return; }
      event.preventDefault();
    });
    place.addEventListener("blur", function () { u.setCursor({ left: -10, top: -10 }, true, true); });
  }
