(function () {
  "use strict";
  var holder = document.getElementById("memmon-data");
  if (!holder || typeof uPlot !== "function") { return; }
  var data = JSON.parse(holder.textContent);
  var root = document.documentElement;
  var charts = [];
  var view = null;

  function times(code) {
    if (!code.n) { return []; }
    var out = [code.o], at = code.o;
    code.r.forEach(function (run) { for (var i = 0; i < run[1]; i++) { at += run[0]; out.push(at); } });
    return out;
  }
  function values(code) {
    var level = 0;
    return code.d.map(function (step) {
      if (step === null) { return null; }
      level += step;
      return level * code.q;
    });
  }
  function colour(name) { return getComputedStyle(root).getPropertyValue("--" + name).trim(); }
  function atLocal(seconds) { return uPlot.tzDate(new Date((seconds + data.offset) * 1e3), "Etc/UTC"); }
  function two(number) { return (number < 10 ? "0" : "") + number; }
  function clock(seconds) {
    var d = atLocal(seconds);
    return d.getFullYear() + "-" + two(d.getMonth() + 1) + "-" + two(d.getDate()) + " " + two(d.getHours()) + ":" + two(d.getMinutes());
  }
  function mb(value) { return value === null || value === undefined ? "no reading" : value.toFixed(1) + " MB"; }

  // The first index at or after a time.
  function indexAt(at, seconds) {
    var low = 0, high = at.length;
    while (low < high) { var mid = (low + high) >> 1; if (at[mid] < seconds) { low = mid + 1; } else { high = mid; } }
    return low;
  }

  // Only the pointer's place is shared: a drag or a double click is one chart's, and zooms all through zoom().
  function isHover(type) { return type === "mousemove" || type === "mouseleave"; }

  var sizes = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 86400], day = 86400;

  // As memmon/report/chart_bins.py has it: at most so many bins, from local midnight on, of whole cells.
  function binSize(length, cell, most) {
    var wanted = Math.max(length / most, cell);
    for (var i = 0; i < sizes.length; i++) { if (sizes[i] >= wanted && sizes[i] % cell === 0) { return sizes[i]; } }
    return Math.ceil(wanted / day) * day;
  }
  var cuts = data.pauses.map(function (pause) { return pause[0]; });
  function nextCut(after) { var i = indexAt(cuts, after + 1); return i < cuts.length ? cuts[i] : Infinity; }
  var reduce = {
    mean: function (values, counts, from, to) {
      var sum = 0, n = 0;
      for (var i = from; i < to; i++) { var count = counts ? Math.max(counts[i], 1) : 1; sum += values[i] * count; n += count; }
      return sum / n;
    },
    low: function (values, counts, from, to) { return Math.min.apply(null, values.slice(from, to)); },
    high: function (values, counts, from, to) { return Math.max.apply(null, values.slice(from, to)); }
  };

  // The pieces of a series for a view, each a list of bins {from, to, v}; a new piece begins wherever nothing was recorded.
  function binned(source, from, to, most) {
    var size = binSize(Math.max(Math.min(to, data.until) - from, 1), source.cell, most || 360), t = source.t, first = source.columns[0][1];
    function number(seconds) { return Math.floor((seconds + data.offset) / size); }
    var begin = indexAt(t, (number(from) - 1) * size - data.offset), stop = indexAt(t, (number(to) + 2) * size - data.offset);
    var pieces = [], piece = null;
    for (var row = begin; row < stop; row = end) {
      var end = row + 1;
      if (first[row] === null) { piece = null; continue; }
      while (end < stop && first[end] !== null && number(t[end]) === number(t[row])) { end++; }
      if (!piece) { piece = []; pieces.push(piece); }
      var last = t[end - 1], after = end < t.length ? t[end] : Infinity;
      piece.push({ from: t[row], to: Math.max(Math.min(last + source.cell, nextCut(last), after), last), v: source.columns.map(function (column) {
        return reduce[column[0]](column[1], source.counts, row, end);
      }) });
    }
    return pieces;
  }
  // The bin that a moment lies in, or the nearest where a reading is missing; null in a pause.
  function binAt(pieces, seconds) {
    var found = null, least = Infinity;
    if (pauseAt(seconds)) { return null; }
    pieces.forEach(function (piece) {
      piece.forEach(function (bin) {
        var away = seconds < bin.from ? bin.from - seconds : seconds > bin.to ? seconds - bin.to : 0;
        if (away < least || (away === least && seconds === bin.from)) { least = away; found = bin; }
      });
    });
    return found && least <= Math.max(4 * (found.to - found.from), 60) ? found : null;
  }
  function pauseAt(seconds) {
    var i = indexAt(cuts, seconds) - 1;
    return i >= 0 && seconds < data.pauses[i][1] ? data.pauses[i] : null;
  }
  function rangeWords(from, to) {
    var begin = clock(from), end = clock(to);
    return begin + " to " + (begin.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end);
  }
  function silence(seconds) {
    var pause = pauseAt(seconds);
    return pause ? rangeWords(pause[0], pause[1]) + " \u00b7 nothing was recorded" : "";
  }

  // Each piece is drawn from its beginning over the middles of its bins to its end.
  function places(piece, column) {
    var last = piece[piece.length - 1];
    return [[piece[0].from, piece[0].v[column]]].concat(piece.map(function (bin) { return [(bin.from + bin.to) / 2, bin.v[column]]; }), [[last.to, last.v[column]]]);
  }
  function trace(u, points) {
    points.forEach(function (point, i) {
      var x = u.valToPos(point[0], "x", true), y = u.valToPos(point[1], "y", true);
      if (i) { u.ctx.lineTo(x, y); } else { u.ctx.moveTo(x, y); }
    });
  }
  function line(u, pieces, column, colour_, width) {
    u.ctx.beginPath(); u.ctx.setLineDash([]); u.ctx.strokeStyle = colour_; u.ctx.lineWidth = width * devicePixelRatio;
    u.ctx.lineJoin = u.ctx.lineCap = "round";
    pieces.forEach(function (piece) { trace(u, places(piece, column)); });
    u.ctx.stroke(); u.ctx.lineCap = "butt";
  }
  function area(u, pieces, low, high, fill) {
    u.ctx.fillStyle = fill;
    pieces.forEach(function (piece) {
      var below = low === null ? places(piece, high).map(function (point) { return [point[0], 0]; }) : places(piece, low);
      u.ctx.beginPath(); trace(u, below.concat(places(piece, high).reverse())); u.ctx.closePath(); u.ctx.fill();
    });
  }

  function path(u, xs, ys) {
    xs.forEach(function (x, i) {
      var px = u.valToPos(x, "x", true), py = u.valToPos(ys[i], "y", true);
      if (i) { u.ctx.lineTo(px, py); } else { u.ctx.moveTo(px, py); }
    });
  }
  function ribbon(u, shape, fill, stroke, dash, width) {
    u.ctx.beginPath();
    path(u, shape[0], shape[1]);
    var back = shape[0].slice().reverse(), top = shape[3].slice().reverse();
    back.forEach(function (x, i) { u.ctx.lineTo(u.valToPos(x, "x", true), u.valToPos(top[i], "y", true)); });
    u.ctx.closePath(); u.ctx.fillStyle = fill; u.ctx.fill();
    stroke_(u, shape[0], shape[2], stroke, dash, width);
  }
  function stroke_(u, xs, ys, colour_, dash, width) {
    u.ctx.beginPath(); u.ctx.strokeStyle = colour_; u.ctx.lineWidth = width * devicePixelRatio;
    u.ctx.setLineDash(dash.map(function (part) { return part * devicePixelRatio; }));
    path(u, xs, ys); u.ctx.stroke();
  }
  function clipped(u, draw) {
    u.ctx.save(); u.ctx.beginPath(); u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); u.ctx.clip();
    draw(); u.ctx.restore();
  }
  function markers(u) {
    clipped(u, function () {
      data.markers.forEach(function (marker) {
        var x = Math.round(u.valToPos(marker[0], "x", true)) + 0.5;
        u.ctx.beginPath(); u.ctx.strokeStyle = colour(marker[1]) || colour("note"); u.ctx.lineWidth = devicePixelRatio;
        u.ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
        u.ctx.moveTo(x, u.bbox.top); u.ctx.lineTo(x, u.bbox.top + u.bbox.height); u.ctx.stroke();
      });
    });
  }
  function overlays(u) {
    var m = data.memory;
    clipped(u, function () {
      area(u, u.pieces(), 1, 2, colour("band"));
      line(u, u.pieces(), 2, colour("peak"), 1);
      m.each.forEach(function (line) { stroke_(u, line[0], line[1], colour("mean"), [1, 2], 1); });
      m.trend.forEach(function (shape) { ribbon(u, shape, colour("trend-band"), colour("trend"), [], 2); });
      m.ols.forEach(function (line) { stroke_(u, line[0], line[1], colour("ols"), [6, 4], 1.5); });
      if (m.forecast) { ribbon(u, m.forecast, colour("cone"), colour("forecast"), [2, 4], 2); }
      line(u, u.pieces(), 0, colour("mean"), 1.8);
      if (m.limit !== null) { stroke_(u, [u.scales.x.min, u.scales.x.max], [m.limit, m.limit], colour("limit"), [], 1.5); }
    });
  }
  function markerNear(seconds) {
    var reach = (view[1] - view[0]) / 120, found = data.markers.filter(function (m) { return Math.abs(m[0] - seconds) <= reach; });
    return found.length ? " \u00b7 " + found.slice(0, 2).map(function (m) { return m[2]; }).join(", ") : "";
  }

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
        drawAxes: [options.isSmall ? function () {} : markers],
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
        }]
      }
    };
    base.hooks.init = [function (u) { u.pieces = function () { return pieces; }; }];
    entry.u = new uPlot(base, getData(), place);
    place.querySelectorAll("canvas").forEach(function (canvas) { canvas.setAttribute("aria-hidden", "true"); });
    charts.push(entry);
    return entry;
  }

  function zoom(from, to) {
    if (to - from < 60) { return; }
    view = [Math.max(from, data.since), Math.min(to, data.edge)];
    charts.forEach(function (entry) {
      entry.u.batch(function () {
        entry.u.setData(entry.getData(), false);
        entry.u.setScale("x", { min: view[0], max: view[1] });
      });
    });
    remember();
    root.setAttribute("data-view", Math.round(view[0]) + " " + Math.round(view[1]));
    document.querySelectorAll("[data-zoom]").forEach(function (button) {
      var wanted = range(button.getAttribute("data-zoom"));
      button.setAttribute("aria-pressed", String(Math.abs(wanted[0] - view[0]) < 1 && Math.abs(wanted[1] - view[1]) < 1));
    });
  }
  // The view is kept in the address, so that loading the page anew, or sending its address, shows the same.
  function remember() {
    var all = view[0] <= data.since && view[1] >= data.edge;
    try { history.replaceState(null, "", all ? location.pathname + location.search : "#" + Math.round(view[0]) + "-" + Math.round(view[1])); } catch (error) { /* an address that may not change */ }
  }
  function remembered() {
    var found = /^#(\d+)-(\d+)$/.exec(location.hash);
    if (found && Number(found[2]) > data.since && Number(found[1]) < data.edge) { zoom(Number(found[1]), Number(found[2])); }
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
    var i = Math.max(indexAt(f[0], seconds), 1), share = (seconds - f[0][i - 1]) / (f[0][i] - f[0][i - 1] || 1);
    function at(row) { return mb(f[row][i - 1] + share * (f[row][i] - f[row][i - 1])); }
    return clock(seconds) + " \u00b7 forecast " + at(2) + " (" + at(1) + " to " + at(3) + ")";
  }

  function memoryChart() {
    var place = document.querySelector('[data-chart="memory"]');
    if (!place) { return; }
    var m = data.memory, mean = values(m.mean), out = place.parentNode.querySelector(".readout");
    var source = { t: times(m.t), cell: m.cell, counts: m.counts ? values(m.counts) : null,
      columns: [["mean", mean], ["low", m.min ? values(m.min) : mean], ["high", m.max ? values(m.max) : mean]] };
    mount(place, {
      height: 340, padding: [10, 26, 0, 0],
      range: function (pieces) {
        var low = Infinity, high = -Infinity;
        function take(value) { low = Math.min(low, value); high = Math.max(high, value); }
        pieces.forEach(function (piece) { piece.forEach(function (bin) { take(bin.v[1]); take(bin.v[2]); }); });
        if (m.forecast) { inView(m.forecast, function (i) { take(Math.min(m.forecast[2][i], m.ceiling)); take(Math.min(m.forecast[3][i], m.ceiling)); }); }
        m.each.forEach(function (shape) { inView(shape, function (i) { take(shape[1][i]); }); });
        if (m.limit !== null && view[0] <= data.since && view[1] >= data.edge) { take(m.limit); }
        return low > high ? [0, 1] : aired(low, high);
      },
      axes: [axis({ values: timeFormats, space: 70 }), axis({ size: 74, values: megabytes })],
      draw: overlays
    }, source, function (seconds, bin) {
      if (seconds === null) { out.textContent = ""; return; }
      if (!bin) { out.textContent = silence(seconds) || forecastAt(seconds); return; }
      var wide = bin.v[2] - bin.v[1] > 0.05 ? " (" + bin.v[1].toFixed(1) + " to " + bin.v[2].toFixed(1) + ")" : "";
      out.textContent = rangeWords(bin.from, bin.to) + " \u00b7 " + mb(bin.v[0]) + wide + markerNear(seconds);
    });
  }

  function splitChart() {
    var place = document.querySelector('[data-chart="split"]');
    if (!place || !data.split) { return; }
    var t = times(data.split.t), layers = data.split.layers.map(function (layer) { return values(layer[1]); });
    var tops = [], below = t.map(function () { return 0; }), out = place.parentNode.querySelector(".readout");
    layers.forEach(function (layer) {
      below = below.map(function (base, i) { return base === null || layer[i] === null ? null : base + layer[i]; });
      tops.push(below);
    });
    var top = tops.length - 1;
    mount(place, {
      height: 240, padding: [10, 26, 0, 0],
      range: function (pieces) {
        var high = 0;
        pieces.forEach(function (piece) { piece.forEach(function (bin) { high = Math.max(high, bin.v[top]); }); });
        return [0, (high || 1) * 1.06];
      },
      axes: [axis({ values: timeFormats, space: 70 }), axis({ size: 74, values: megabytes })],
      draw: function (u) { clipped(u, function () { tops.forEach(function (_, i) { area(u, u.pieces(), i ? i - 1 : null, i, colour("layer-" + i)); }); }); }
    }, { t: t, cell: data.split.cell, counts: null, columns: tops.map(function (values_) { return ["mean", values_]; }) }, function (seconds, bin) {
      if (seconds === null) { out.textContent = ""; return; }
      out.textContent = !bin ? silence(seconds) : rangeWords(bin.from, bin.to) + " \u00b7 " + data.split.layers.map(function (layer, i) {
        return layer[0] + " " + (bin.v[i] - (i ? bin.v[i - 1] : 0)).toFixed(1);
      }).join(" \u00b7 ") + " MB";
    });
  }

  function dequeChart(place) {
    var deque = data.deques[Number(place.getAttribute("data-deque"))];
    var t = dequeTimes(deque.t), fill = values(deque.v), out = place.parentNode.querySelector(".fill");
    if (!fill.some(function (value) { return value !== null; })) { return; }
    place.parentNode.classList.add("drawn");
    var words = out.lastChild.textContent;
    mount(place, {
      height: 44, padding: [2, 0, 0, 0], isSmall: true, axes: [{ show: false }, { show: false }], most: 120,
      range: function (pieces) {
        var high = 0;
        pieces.forEach(function (piece) { piece.forEach(function (bin) { high = Math.max(high, bin.v[0]); }); });
        return [0, deque.percent ? Math.max(105, high) : (high || 1) * 1.1];
      },
      draw: function (u) {
        clipped(u, function () {
          area(u, u.pieces(), null, 0, colour(deque.bad ? "bad-bg" : "band"));
          line(u, u.pieces(), 0, colour(deque.bad ? "bad" : "mean"), 1.4);
        });
      }
    }, { t: t, cell: deque.cell, counts: null, columns: [["high", fill]] }, function (seconds, bin) {
      out.lastChild.textContent = seconds === null ? words : !bin ? silence(seconds) || words
        : rangeWords(bin.from, bin.to) + " \u00b7 at most " + (deque.percent ? bin.v[0].toFixed(1) + " % full" : Math.round(bin.v[0]).toLocaleString("en"));
    });
  }
  var dequeTimesKnown = {};
  function dequeTimes(number) {
    return dequeTimesKnown[number] || (dequeTimesKnown[number] = times(data.dequeTimes[number]));
  }

  function start() {
    root.classList.add("live");
    view = [data.since, data.edge];
    memoryChart();
    splitChart();
    var waiting = Array.prototype.slice.call(document.querySelectorAll("[data-deque]"));
    if (typeof IntersectionObserver !== "function") { waiting.forEach(dequeChart); } else {
      var observer = new IntersectionObserver(function (entries) {
        entries.forEach(function (entry) { if (entry.isIntersecting) { observer.unobserve(entry.target); dequeChart(entry.target.querySelector("[data-deque]")); } });
      }, { rootMargin: "200px" });
      waiting.forEach(function (place) { observer.observe(place.parentNode); });
    }
    document.querySelectorAll("[data-zoom]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-zoom") === "all"));
      button.addEventListener("click", function () { var wanted = range(button.getAttribute("data-zoom")); zoom(wanted[0], wanted[1]); });
    });
    remembered();
    window.addEventListener("resize", function () {
      charts.forEach(function (entry) { entry.u.setSize({ width: Math.max(entry.place.clientWidth, 50), height: entry.u.height }); });
      zoom(view[0], view[1]);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
      charts.forEach(function (entry) { entry.u.redraw(); });
    });
    window.addEventListener("beforeprint", function () {
      document.querySelectorAll("details").forEach(function (details) { details.open = true; });
    });
  }
  start();
})();
