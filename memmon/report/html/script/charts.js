  function overlays(u) {
    var m = data.memory;
    clipped(u, function () {
      m.trend.forEach(function (shape) { ribbon(u, shape, colour("trend-band"), colour("trend"), [], 2); });
      if (m.forecast) { forecast(u, m); }
      area(u, u.pieces(), 1, 2, colour("band"));
      line(u, u.pieces(), 2, colour("peak"), 1);
      m.each.forEach(function (line) { stroke_(u, line[0], line[1], colour("mean"), [1, 2], 1); });
      line(u, u.pieces(), 0, colour("mean"), 1.8);
      if (m.limit !== null) { stroke_(u, [u.scales.x.min, u.scales.x.max], [m.limit, m.limit], colour("limit"), [], 1.5); }
      if (m.reach && m.reach[1]) { stroke_(u, [m.reach[1], m.reach[2] || data.edge], [m.limit, m.limit], colour("forecast"), [], 4); }
      labels(u);
    });
    moments(u);
  }
  function forecast(u, m) {
    var f = m.forecast, kept = f[0].filter(function (x) { return !m.reach || x <= m.reach[0]; }).length;
    ribbon(u, f, colour("cone"), "transparent", [], 0);
    stroke_(u, f[0].slice(0, kept), f[2].slice(0, kept), colour("forecast"), [2, 4], 2);
  }

  function memoryChart() {
    var place = document.querySelector('[data-chart="memory"]');
    if (!place) { return; }
    var m = data.memory, mean = values(m.mean), out = place.parentNode.querySelector(".readout");
    var source = { t: times(m.t), cell: m.cell, counts: m.counts ? values(m.counts) : null,
      columns: [["mean", mean], ["low", m.min ? values(m.min) : mean], ["high", m.max ? values(m.max) : mean]] };
    mount(place, {
      height: 340, padding: [data.releases.length ? 22 : 10, 26, 0, 0], isNamed: true,
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
      var wide = bin.v[2] - bin.v[1] > 0.05 ? " (" + figure(bin.v[1]) + " to " + figure(bin.v[2]) + ")" : "";
      out.textContent = rangeWords(bin.from, bin.to) + " \u00b7 " + mb(bin.v[0]) + wide + trendAt(seconds) + releaseAt(seconds) + momentsNear(seconds);
    });
  }

  function stackChart(key, stack) {
    var place = document.querySelector('[data-chart="' + key + '"]');
    if (!place || !stack) { return; }
    var t = times(stack.t), layers = stack.layers.map(function (layer) { return values(layer[1]); });
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
      draw: function (u) {
        clipped(u, function () {
          tops.forEach(function (_, i) { area(u, u.pieces(), i ? i - 1 : null, i, filling(u, stack.layers[i][2])); });
          layerLabels(u, stack);
        });
      }
    }, { t: t, cell: stack.cell, counts: null, columns: tops.map(function (values_) { return ["mean", values_]; }) }, function (seconds, bin) {
      if (seconds === null) { out.textContent = ""; return; }
      out.textContent = !bin ? silence(seconds) : rangeWords(bin.from, bin.to) + stack.layers.map(function (layer, i) {
        return "\n" + layer[0] + " " + mb(bin.v[i] - (i ? bin.v[i - 1] : 0));
      }).reverse().join("");
    });
  }
  // Each layer is named at the end of the newest piece in which its name lies, whole if anywhere, else cut in its middle;
  // what would not be known from so few letters stands in the legend alone.
  var LEAST_LETTERS = 12;
  function layerLabels(u, stack) {
    var pieces = u.pieces().slice().reverse(), d = devicePixelRatio;
    stack.layers.forEach(function (layer, i) {
      [true, false].some(function (isWhole) {
        return pieces.some(function (piece) {
          var x = u.valToPos(piece[piece.length - 1].to, "x", true) - 6 * d, room = x - u.valToPos(piece[0].from, "x", true) - 4 * d;
          return (isWhole ? [room] : [room, 130 * d]).some(function (width) {
            var name = shortened(u, layer[0], Math.min(width, room));
            if (isWhole ? name !== layer[0] : name.length < LEAST_LETTERS) { return false; }
            return nameIn(u, piece, i, name, x);
          });
        });
      });
    });
  }
  function nameIn(u, piece, i, name, x) {
    var d = devicePixelRatio, from = x - u.ctx.measureText(name).width - 4 * d, top = -Infinity, bottom = Infinity;
    piece.forEach(function (bin) {
      if (u.valToPos(bin.to, "x", true) < from) { return; }
      top = Math.max(top, u.valToPos(bin.v[i], "y", true)); bottom = Math.min(bottom, u.valToPos(i ? bin.v[i - 1] : 0, "y", true));
    });
    if (bottom - top < 18 * d) { return false; }
    say(u, name, x, (top + bottom) / 2 + 4 * d, "right", "ink");
    return true;
  }
  // What nobody named is hatched.
  function filling(u, style) {
    if (style !== "nobodys") { return colour(style); }
    var tile = document.createElement("canvas"), c = tile.getContext("2d"), size = 8 * devicePixelRatio;
    tile.width = tile.height = size;
    c.strokeStyle = colour("hatch"); c.lineWidth = 1.4 * devicePixelRatio;
    [-1, 0, 1].forEach(function (shift) { c.moveTo(shift * size - 1, size + 1); c.lineTo((shift + 1) * size + 1, -1); });
    c.stroke();
    return u.ctx.createPattern(tile, "repeat");
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
