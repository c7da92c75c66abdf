  // Releases behind a picture, every other one shaded, from the newest back; their names where there is room.
  function releases(u, isNamed) { kept(u, function () { releases_(u, isNamed); }); }
  function releases_(u, isNamed) {
    var top = isNamed ? 0 : u.bbox.top, d = devicePixelRatio;
    data.releases.forEach(function (release, i) {
      var left = Math.max(u.valToPos(release[1], "x", true), u.bbox.left);
      var right = Math.min(u.valToPos(release[2], "x", true), u.bbox.left + u.bbox.width);
      if (right <= left) { return; }
      if ((data.releases.length - i) % 2) { u.ctx.fillStyle = colour("shade"); u.ctx.fillRect(left, top, right - left, u.bbox.top + u.bbox.height - top); }
      var name = isNamed ? shortened(u, release[0], right - left - 10 * d) : "";
      if (name) { say(u, name, left + 5 * d, u.bbox.top - 8 * d, "left", "soft"); }
    });
  }
  // A name as wide as there is room, cut in its middle; nothing where hardly a letter would stand.
  function shortened(u, name, width) {
    font(u);
    for (var kept = name.length; kept > 2; kept--) {
      var words = kept === name.length ? name : name.slice(0, Math.ceil(kept / 2)) + "\u2026" + name.slice(name.length - Math.floor(kept / 2));
      if (u.ctx.measureText(words).width <= width) { return words; }
    }
    return "";
  }
  function font(u) { u.ctx.font = 12 * devicePixelRatio + "px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"; }
  function say(u, words, x, y, align, colour_) {
    font(u);
    u.ctx.textAlign = align; u.ctx.textBaseline = "alphabetic"; u.ctx.setLineDash([]); u.ctx.lineJoin = "round";
    u.ctx.lineWidth = 4 * devicePixelRatio; u.ctx.strokeStyle = colour("panel"); u.ctx.fillStyle = colour(colour_);
    u.ctx.strokeText(words, x, y); u.ctx.fillText(words, x, y);
  }

  function levelAt(pieces, seconds, column) {
    var found = null;
    pieces.forEach(function (piece) { piece.forEach(function (bin) { if (bin.from <= seconds) { found = bin.v[column]; } }); });
    return found;
  }
  var signs = {
    end: function (c, x, y, d) { c.arc(x, y, 2.6 * d, 0, 7); c.fill(); },
    alert: function (c, x, y, d) { c.arc(x, y, 4 * d, 0, 7); c.fill(); },
    death: function (c, x, y, d) { c.lineWidth = 2.4 * d; c.moveTo(x - 5 * d, y - 5 * d); c.lineTo(x + 5 * d, y + 5 * d); c.moveTo(x + 5 * d, y - 5 * d); c.lineTo(x - 5 * d, y + 5 * d); c.stroke(); },
    gc: function (c, x, y, d) { c.lineWidth = 1.5 * d; c.moveTo(x, y); c.lineTo(x, y - 8 * d); c.stroke(); },
    note: function (c, x, y, d) { c.moveTo(x, y - 10 * d); c.lineTo(x + 4 * d, y - 5 * d); c.lineTo(x, y); c.lineTo(x - 4 * d, y - 5 * d); c.fill(); },
    reach: function (c, x, y, d) { c.arc(x, y, 5 * d, 0, 7); c.fill(); }
  };
  function sign(u, kind, seconds, level) {
    var x = u.valToPos(seconds, "x", true), y = level === null ? u.bbox.top + u.bbox.height : u.valToPos(level, "y", true);
    u.ctx.setLineDash([]); u.ctx.fillStyle = u.ctx.strokeStyle = colour(kind);
    u.ctx.beginPath(); signs[kind](u.ctx, x, y, devicePixelRatio);
  }
  function moments(u) { kept(u, function () { moments_(u); }); }
  function moments_(u) {
    var tick = -Infinity, least = 3 * devicePixelRatio / u.bbox.width * (view[1] - view[0]);
    data.markers.forEach(function (marker) {
      if (marker[1] === "gc" && marker[0] - tick < least) { return; }
      if (signs[marker[1]] && marker[0] >= view[0] && marker[0] <= view[1]) {
        tick = marker[1] === "gc" ? marker[0] : tick;
        sign(u, marker[1], marker[0], marker[1] === "gc" || marker[1] === "note" ? null : levelAt(u.pieces(), marker[0], marker[1] === "death" ? 2 : 0));
      }
    });
    var m = data.memory;
    if (m.reach && m.reach[0] >= view[0] && m.reach[0] <= view[1]) { sign(u, "reach", m.reach[0], m.limit); }
  }

  // Words on the lines: at the first of their places that is free of words, signs and lines, else at one that only peaks
  // go through. Where there is none they are left out, as sentences and cards say them; the limit's may stand on a line.
  function labels(u) {
    var m = data.memory, words = data.words, d = devicePixelRatio, left = u.bbox.left, right = left + u.bbox.width;
    var lines = linesOf(u, 0), peaks = linesOf(u, 2), taken = signBoxes(u);
    function y(value) { return u.valToPos(value, "y", true); }
    function width(text) { font(u); return u.ctx.measureText(text).width; }
    function put(places, colour_, isNeeded) {
      var boxes = places.map(function (place) {
        var wide = width(place[0]), from = place[3] === "left" ? place[1] : place[1] - wide;
        var base = Math.min(Math.max(place[2], u.bbox.top + 12 * d), u.bbox.top + u.bbox.height - 3 * d);
        return [from, from + wide, base - 12 * d, base + 3 * d];
      });
      function free(box) { return isInside(u, box) && !taken.some(function (other) { return meet(box, other); }); }
      function clear(box) { return free(box) && !lines.some(function (stroke) { return crosses(box, stroke); }); }
      var found = first(boxes, function (box) { return clear(box) && !peaks.some(function (stroke) { return crosses(box, stroke); }); });
      if (found < 0) { found = first(boxes, clear); }
      if (found < 0 && isNeeded) { found = first(boxes, free); }
      if (found < 0) { return; }
      taken.push(boxes[found]);
      say(u, places[found][0], boxes[found][0], boxes[found][3] - 3 * d, "left", colour_);
    }
    // The same words further up or down.
    function moved(text, x, at, align, shifts) { return shifts.map(function (shift) { return [text, x, at + shift * d, align]; }); }
    if (words.limit && y(m.limit) >= u.bbox.top) { put(moved(words.limit, left + 5 * d, y(m.limit), "left", [-6, 17]), "limit", true); }
    if (words.reach && isSeen(m.reach[0])) {
      put(moved(words.reach, Math.min(u.valToPos(m.reach[0], "x", true) + 10 * d, right - 4 * d), y(m.limit), "right", [-6, 18]), "forecast");
    }
    put(memoryPlaces(u, width, y, moved), "mean");
    m.trend.filter(function (shape) { return shape[0][0] < view[1] && shape[0][shape[0].length - 1] > view[0]; }).slice(-1).forEach(function (shape) {
      var from = Math.max(shape[0][0], view[0]), to = Math.min(shape[0][shape[0].length - 1], view[1]), wide = width(words.trend), places = [];
      if (!words.trend || to <= from) { return; }
      [0.5, 0.3, 0.7, 0.1, 0.9].forEach(function (share) {
        var at = from + share * (to - from), x = u.valToPos(at, "x", true), base = y(between(shape, 2, at));
        var begin = Math.min(x + 8 * d, right - wide - 4 * d), isBeside = begin > x - 30 * d;
        places = places.concat(isBeside ? moved(words.trend, begin, base, "left", [20, 32, 44, 60]) : [], moved(words.trend, x - 8 * d, base, "right", [-10, -22, -40, -60]));
      });
      put(places, "trend");
    });
    if (words.forecast && view[1] >= data.edge) {
      // Where it leaves the picture, or ends.
      var f = m.forecast, i = f[0].length - 1;
      while (i > 0 && y(f[2][i]) < u.bbox.top) { i--; }
      var x = Math.min(u.valToPos(f[0][i], "x", true) + width(words.forecast) + 8 * d, right - 4 * d);
      var forecasts = [words.forecast, words.forecast.split(":")[0]].map(function (text) {
        return moved(text, x, y(f[3][i]), "right", [-8, -20, -32, -44]).concat(moved(text, x, y(f[1][i]), "right", [20, 32]));
      });
      put(forecasts[0].concat(forecasts[1]), "forecast");
    }
  }
  function isSeen(seconds) { return seconds >= view[0] && seconds <= view[1]; }
  function first(all, holds) { for (var i = 0; i < all.length; i++) { if (holds(all[i])) { return i; } } return -1; }
  function isInside(u, box) {
    return box[0] >= u.bbox.left && box[1] <= u.bbox.left + u.bbox.width;
  }
  function meet(box, other) { return box[0] < other[1] && box[1] > other[0] && box[2] < other[3] && box[3] > other[2]; }
  // Whether a stroke [x, y, x, y] goes through a box.
  function crosses(box, stroke) {
    var from = 0, to = 1;
    return [0, 1].every(function (axis) {
      var start = stroke[axis], way = stroke[axis + 2] - start, low = box[2 * axis], high = box[2 * axis + 1];
      if (!way) { return start > low && start < high; }
      var ends = [(low - start) / way, (high - start) / way].sort(function (a, b) { return a - b; });
      from = Math.max(from, ends[0]); to = Math.min(to, ends[1]);
      return from < to;
    });
  }
  function signBoxes(u) {
    var d = devicePixelRatio;
    return data.markers.filter(function (marker) { return isSeen(marker[0]) && (marker[1] === "death" || marker[1] === "alert"); }).map(function (marker) {
      var x = u.valToPos(marker[0], "x", true), level = levelAt(u.pieces(), marker[0], marker[1] === "death" ? 2 : 0);
      var y = level === null ? -1e6 : u.valToPos(level, "y", true);
      return [x - 7 * d, x + 7 * d, y - 7 * d, y + 7 * d];
    });
  }
  // Each stroke of a column of memory, and of the other lines: trend, forecast, processes and the limit.
  function linesOf(u, column) {
    var m = data.memory, found = [], shapes = m.trend.concat(m.forecast ? [m.forecast] : []).map(function (shape) { return [shape[0], shape[2]]; }).concat(m.each);
    function take(points) {
      for (var i = 1; i < points.length; i++) { found.push(points[i - 1].concat(points[i])); }
    }
    function at(x, value) { return [u.valToPos(x, "x", true), u.valToPos(value, "y", true)]; }
    u.pieces().forEach(function (piece) {
      take(places(piece, column).map(function (point) { return at(point[0], point[1]); }));
    });
    shapes.forEach(function (shape) { take(shape[0].map(function (x, i) { return at(x, shape[1][i]); })); });
    if (m.limit !== null) { take([at(view[0], m.limit), at(view[1], m.limit)]); }
    return found;
  }
  // Where the newest reading's words may stand: above all that is drawn there, above or below the line's end, beside it; in short
  // too. Where what is drawn there reaches far above the end, as a run before does, they would be read as that one's: at the end alone.
  function memoryPlaces(u, width, y, moved) {
    var pieces = u.pieces(), piece = pieces[pieces.length - 1], d = devicePixelRatio, found = [];
    if (!piece) { return found; }
    var last = piece[piece.length - 1], end = Math.min(u.valToPos(last.to, "x", true), u.bbox.left + u.bbox.width - 2 * d);
    (view[1] >= data.until ? [data.words.memory + " " + data.words.now, data.words.now] : [data.words.memory]).forEach(function (text) {
      var wide = width(text), isLeft = end - wide < u.bbox.left + 4 * d, from = isLeft ? u.bbox.left : end - wide, top = Infinity;
      pieces.forEach(function (one) {
        one.forEach(function (bin) {
          if (u.valToPos(bin.to, "x", true) >= from && u.valToPos(bin.from, "x", true) <= from + wide + 4 * d) { top = Math.min(top, y(bin.v[2])); }
        });
      });
      var x = isLeft ? u.bbox.left + 5 * d : end, align = isLeft ? "left" : "right";
      var above = moved(text, x, top, align, [-8, -20, -32]), isApart = y(last.v[2]) - top > 40 * d;
      var near = moved(text, x, y(last.v[2]), align, [-8, -20]).concat(moved(text, x, y(last.v[1]), align, [20, 32]), moved(text, end + 8 * d, y(last.v[0]), "left", [4, 18, 30]));
      found = found.concat(isApart ? near : above.concat(near));
    });
    return found;
  }

  // What is near a moment, a line each.
  function momentsNear(seconds) {
    var reach = (view[1] - view[0]) / 120, found = data.markers.filter(function (m) { return Math.abs(m[0] - seconds) <= reach; });
    // Passes come close to each other: the nearest speaks for those beside it.
    var passes = found.filter(function (m) { return m[1] === "gc"; }).sort(function (a, b) { return Math.abs(a[0] - seconds) - Math.abs(b[0] - seconds); });
    found = found.filter(function (m) { return m[1] !== "gc"; }).concat(passes.slice(0, 1));
    return found.slice(0, 3).map(function (m) { return "\n" + m[2]; }).join("");
  }
  function releaseAt(seconds) {
    var found = data.releases.filter(function (one) { return one[1] <= seconds && seconds < one[2]; });
    return found.length ? "\nrelease " + found[found.length - 1][0] : "";
  }
