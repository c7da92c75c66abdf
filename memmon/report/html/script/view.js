  // Only the pointer's place is shared: a drag or a double click is one chart's, and zooms all through zoom().
  function isHover(type) { return type === "mousemove" || type === "mouseleave"; }

  function axis(more) {
    var base = { stroke: function () { return colour("soft"); }, font: "12px system-ui, sans-serif",
      grid: { stroke: function () { return colour("grid"); }, width: 1 }, ticks: { show: false } };
    Object.keys(more).forEach(function (key) { base[key] = more[key]; });
    return base;
  }
  var timeFormats = [
    [3600 * 24 * 365, "{YYYY}", null, null, null, null, null, null, 1],
    [3600 * 24 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [3600 * 24, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1]
  ];

  // Marks for uPlot's scales; everything is drawn by the overlays, cut where the data is.
  function marks(pieces) {
    var t = [], v = [];
    pieces.forEach(function (piece) { piece.forEach(function (bin) { t.push((bin.from + bin.to) / 2); v.push(bin.v[0]); }); });
    return t.length ? [t, v] : [[view[0], view[1]], [null, null]];
  }
  function mount(place, options, source, describe) {
    var pieces = [];
    function getData() { pieces = binned(source, view[0], view[1], options.most); return marks(pieces); }
    var entry = { place: place, getData: getData };
    options.series = [{}, { paths: function () { return null; }, points: { show: false } }];
    var base = {
      width: Math.max(place.clientWidth, 50), height: options.height, legend: { show: false }, tzDate: atLocal, padding: options.padding,
      cursor: { sync: { key: "memmon", scales: ["x", null], filters: { pub: isHover } }, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false },
        bind: { dblclick: function () { return function () { zoom(data.since, data.edge); return null; }; } } },
      scales: { x: { time: true, auto: false, min: view[0], max: view[1], range: function () { return [view[0], view[1]]; } }, y: { range: function () { return options.range(pieces); } } },
      axes: options.axes, series: options.series,
      hooks: {
        drawClear: [options.isSmall ? function () {} : function (u) { releases(u, Boolean(options.isNamed)); }],
        draw: [options.draw],
        setSelect: [function (u) {
          if (u.select.width > 4) {
            var from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            zoom(from, to);
          }
        }],
        setCursor: [function (u) {
          var seconds = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
          describe(seconds, seconds === null ? null : binAt(pieces, seconds));
          beside(u, place);
        }]
      }
    };
    base.hooks.init = [function (u) { u.pieces = function () { return pieces; }; }];
    entry.u = new uPlot(base, getData(), place);
    place.querySelectorAll("canvas").forEach(function (canvas) { canvas.setAttribute("aria-hidden", "true"); });
    charts.push(entry);
    fingers(entry.u);
    if (!options.isSmall) { keys(entry.u, place); }
    return entry;
  }

  // What is read stands beside the pointer, on the side that has room.
  function beside(u, place) {
    var out = place.parentNode.querySelector(".readout"), x = u.cursor.left;
    if (!out || x < 0 || !out.textContent) { return; }
    var left = u.over.offsetLeft + x, right = place.clientWidth, fits = left + 14 + out.offsetWidth <= right;
    out.style.left = Math.max(fits ? left + 14 : Math.min(left - 14, right) - out.offsetWidth, 0) + "px";
    // Above the pointer; where there is no room, and none beside it, below.
    var top = u.cursor.top > 0 ? u.cursor.top : 40, above = top - out.offsetHeight - 10, isBeside = fits || left - 14 >= out.offsetWidth;
    out.style.top = Math.max(above >= 4 || isBeside ? Math.min(above, place.clientHeight - out.offsetHeight) : Math.min(top + u.over.offsetTop + 24, place.clientHeight - out.offsetHeight), 4) + "px";
  }

  // No view is shorter than a dozen readings, or a minute.
  function shortest() { return Math.min(Math.max(12 * data.memory.cell, 12), 60); }
  function zoom(from, to) {
    if (to - from < shortest()) { return; }
    view = [Math.max(from, data.since), Math.min(to, data.edge)];
    charts.forEach(function (entry) {
      entry.u.batch(function () {
        entry.u.setData(entry.getData(), false);
        entry.u.setScale("x", { min: view[0], max: view[1] });
      });
    });
    remember();
    root.setAttribute("data-view", Math.round(view[0]) + " " + Math.round(view[1]));
    document.querySelectorAll("[data-whole]").forEach(function (button) { button.hidden = isWhole(); });
    document.querySelectorAll("[data-zoom]").forEach(function (button) {
      var wanted = range(button.getAttribute("data-zoom"));
      button.setAttribute("aria-pressed", String(Math.abs(wanted[0] - view[0]) < 1 && Math.abs(wanted[1] - view[1]) < 1));
    });
  }
  // The view is kept in the address, so that loading the page anew, or sending its address, shows the same.
  // At once, but under a moving finger ten times a second: browsers allow no more.
  var remembering = 0, rememberedAt = -Infinity;
  function remember() {
    var all = isWhole(), now = performance.now();
    clearTimeout(remembering);
    if (now - rememberedAt < 100) { remembering = setTimeout(remember, 100); return; }
    rememberedAt = now;
    try { history.replaceState(null, "", all ? location.pathname + location.search : "#" + Math.round(view[0]) + "-" + Math.round(view[1])); } catch (error) { /* an address that may not change */ }
  }
  function remembered() {
    var found = /^#(\d+)-(\d+)$/.exec(location.hash);
    if (found && Number(found[2]) > data.since && Number(found[1]) < data.edge) { zoom(Number(found[1]), Number(found[2])); }
    else if (!location.hash && !isWhole()) { zoom(data.since, data.edge); }
  }
  function range(name) {
    return name === "all" ? [data.since, data.edge] : [Math.max(data.until - Number(name), data.since), data.until];
  }

  // What is next to nothing must not look like a cliff: as LEAST_RANGE_SHARE in memmon/report/html/geometry.py.
  function aired(low, high) {
    var air = (high - low) * 0.08 || 0.5, lacking = Math.max(0.2 * Math.abs(high) - (high - low) - 2 * air, 0);
    return [low - air - lacking / 2, high + air + lacking / 2];
  }
  function inView(shape, each) {
    shape[0].forEach(function (x, i) { if (x >= view[0] && x <= view[1]) { each(i); } });
  }
  function megabytes(u, ticks) { return ticks.map(function (v) { return v.toLocaleString("en") + " MB"; }); }
  function forecastAt(seconds) {
    var f = data.memory.forecast;
    if (!f || seconds < f[0][0] || seconds > f[0][f[0].length - 1]) { return ""; }
    function at(row) { return mb(between(f, row, seconds)); }
    return clock(seconds) + " \u00b7 forecast " + at(2) + " (" + at(1) + " to " + at(3) + ")";
  }
  function trendAt(seconds) {
    var found = data.memory.trend.filter(function (shape) { return shape[0][0] <= seconds && seconds <= shape[0][shape[0].length - 1]; })[0];
    return found ? "\n" + data.words.trend + ": " + mb(between(found, 2, seconds)) : "";
  }
