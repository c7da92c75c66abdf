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

  // Fewer points for the part in view: mean of the means, least of the lows, greatest of the highs.
  function thin(source, from, to, count) {
    var start = Math.max(indexAt(source.t, from) - 1, 0), stop = Math.min(indexAt(source.t, to) + 1, source.t.length);
    var size = Math.max(Math.ceil((stop - start) / count), 1);
    var t = [], mean = [], low = [], high = [];
    for (var i = start; i < stop; i += size) {
      var end = Math.min(i + size, stop), sum = 0, n = 0, least = Infinity, most = -Infinity, gap = false;
      for (var j = i; j < end; j++) {
        if (source.mean[j] === null) { gap = true; continue; }
        sum += source.mean[j]; n++;
        least = Math.min(least, source.min[j]); most = Math.max(most, source.max[j]);
      }
      if (n) { t.push(size === 1 ? source.t[i] : (source.t[i] + source.t[end - 1]) / 2); mean.push(sum / n); low.push(least); high.push(most); }
      if (gap) { t.push(source.t[end - 1] + (n ? 0.5 : 0)); mean.push(null); low.push(null); high.push(null); }
    }
    return [t, high, low, mean];
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
      m.each.forEach(function (line) { stroke_(u, line[0], line[1], colour("mean"), [1, 2], 1); });
      m.trend.forEach(function (shape) { ribbon(u, shape, colour("trend-band"), colour("trend"), [], 2); });
      m.ols.forEach(function (line) { stroke_(u, line[0], line[1], colour("ols"), [6, 4], 1.5); });
      if (m.forecast) { ribbon(u, m.forecast, colour("cone"), colour("forecast"), [2, 4], 2); }
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

  function mount(place, options, getData, describe) {
    var entry = { place: place, getData: getData };
    var base = {
      width: Math.max(place.clientWidth, 50), height: options.height, legend: { show: false }, tzDate: atLocal, padding: options.padding,
      cursor: { sync: { key: "memmon", scales: ["x", null], filters: { pub: isHover } }, y: false, points: { size: 6 }, drag: { x: true, y: false, setScale: false },
        bind: { dblclick: function () { return function () { zoom(data.since, data.edge); return null; }; } } },
      scales: { x: { time: true, auto: false, min: view[0], max: view[1], range: function () { return [view[0], view[1]]; } }, y: { range: options.range } },
      axes: options.axes, series: options.series, bands: options.bands,
      hooks: {
        drawAxes: [options.isSmall ? function () {} : markers],
        draw: options.overlays ? [options.overlays] : [],
        setSelect: [function (u) {
          if (u.select.width > 4) {
            var from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            zoom(from, to);
          }
        }],
        setCursor: [function (u) { describe(u, u.cursor.idx); }]
      }
    };
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

  function memoryChart() {
    var place = document.querySelector('[data-chart="memory"]');
    if (!place) { return; }
    var m = data.memory, mean = values(m.mean);
    var source = { t: times(m.t), mean: mean, min: m.min ? values(m.min) : mean, max: m.max ? values(m.max) : mean };
    var out = place.parentNode.querySelector(".readout");
    function visible() { return thin(source, view[0], view[1], Math.max(Math.floor(place.clientWidth / 2), 120)); }
    mount(place, {
      height: 340, padding: [10, 26, 0, 0],
      range: function (u, low, high) {
        if (low === null) { return [0, 1]; }
        var full = view[0] <= data.since && view[1] >= data.edge;
        if (m.forecast && view[1] > data.until) {
          m.forecast[0].forEach(function (x, i) { if (x <= view[1]) { high = Math.max(high, Math.min(m.forecast[3][i], m.ceiling)); } });
        }
        m.each.forEach(function (line) {
          line[0].forEach(function (x, i) {
            if (x >= view[0] && x <= view[1]) { low = Math.min(low, line[1][i]); high = Math.max(high, line[1][i]); }
          });
        });
        if (full && m.limit !== null) { high = Math.max(high, m.limit); }
        var air = (high - low) * 0.08 || Math.max(high * 0.05, 0.5);
        return [low - air, high + air];
      },
      axes: [axis({ values: timeFormats, space: 70 }), axis({ size: 74, values: function (u, ticks) { return ticks.map(function (v) { return v.toLocaleString("en") + " MB"; }); } })],
      series: [{}, { stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } },
        { stroke: function () { return colour("mean"); }, width: 1.6, points: { show: false } }],
      bands: [{ series: [1, 2], fill: function () { return colour("band"); } }],
      overlays: overlays
    }, visible, function (u, index) {
      if (index === null || index === undefined) { out.textContent = ""; return; }
      var at = u.data[0][index], low = u.data[2][index], high = u.data[1][index];
      var wide = low !== null && high - low > 0.05 ? " (" + low.toFixed(1) + " to " + high.toFixed(1) + ")" : "";
      out.textContent = clock(at) + " \u00b7 " + mb(u.data[3][index]) + wide + markerNear(at);
    });
  }

  function splitChart() {
    var place = document.querySelector('[data-chart="split"]');
    if (!place || !data.split) { return; }
    var t = times(data.split.t), layers = data.split.layers.map(function (layer) { return values(layer[1]); });
    var tops = [], below = t.map(function () { return 0; });
    layers.forEach(function (layer) {
      below = below.map(function (base, i) { return base === null || layer[i] === null ? null : base + layer[i]; });
      tops.push(below);
    });
    var drawn = [t].concat(tops.slice().reverse()), out = place.parentNode.querySelector(".readout");
    var series = [{}].concat(tops.map(function (_, i) {
      return { stroke: function () { return colour("panel"); }, width: 0.5, fill: function () { return colour("layer-" + (tops.length - 1 - i)); }, points: { show: false } };
    }));
    mount(place, {
      height: 240, padding: [10, 26, 0, 0], series: series,
      range: function (u, low, high) { return [0, (high || 1) * 1.06]; },
      axes: [axis({ values: timeFormats, space: 70 }), axis({ size: 74, values: function (u, ticks) { return ticks.map(function (v) { return v.toLocaleString("en") + " MB"; }); } })]
    }, function () { return drawn; }, function (u, index) {
      if (index === null || index === undefined) { out.textContent = ""; return; }
      out.textContent = clock(u.data[0][index]) + " \u00b7 " + data.split.layers.map(function (layer, i) {
        return layer[0] + " " + (layers[i][index] === null ? "-" : layers[i][index].toFixed(1));
      }).join(" \u00b7 ") + " MB";
    });
  }

  function dequeChart(place) {
    var deque = data.deques[Number(place.getAttribute("data-deque"))];
    var t = dequeTimes(deque.t), fill = values(deque.v), out = place.parentNode.querySelector(".fill");
    if (!fill.some(function (value) { return value !== null; })) { return; }
    place.parentNode.classList.add("drawn");
    var words = out.lastChild.textContent, ink = deque.bad ? "bad" : "mean";
    mount(place, {
      height: 44, padding: [2, 0, 0, 0], isSmall: true, axes: [{ show: false }, { show: false }],
      range: function (u, low, high) { return [0, deque.percent ? Math.max(105, high || 0) : (high || 1) * 1.1]; },
      series: [{}, { stroke: function () { return colour(ink); }, fill: function () { return colour(deque.bad ? "bad-bg" : "band"); }, width: 1.4, points: { show: false } }]
    }, function () { return [t, fill]; }, function (u, index) {
      var known = index !== null && index !== undefined && u.cursor.left >= 0;
      var value = known ? u.data[1][index] : null;
      out.lastChild.textContent = !known ? words
        : clock(u.data[0][index]) + " \u00b7 " + (value === null ? "no reading" : deque.percent ? value.toFixed(1) + " % full" : Math.round(value).toLocaleString("en"));
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
