  // Releases behind a picture, every other one shaded, from the newest back; their names where there is room.
  function releases(u, isNamed) {
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
  function moments(u) {
    data.markers.forEach(function (marker) {
      if (signs[marker[1]] && marker[0] >= view[0] && marker[0] <= view[1]) {
        sign(u, marker[1], marker[0], marker[1] === "gc" || marker[1] === "note" ? null : levelAt(u.pieces(), marker[0], marker[1] === "death" ? 2 : 0));
      }
    });
    var m = data.memory;
    if (m.reach && m.reach[0] >= view[0] && m.reach[0] <= view[1]) { sign(u, "reach", m.reach[0], m.limit); }
  }

  // Words on the lines, as memmon/report/html/marks.py places them; what would stand on another moves up or down.
  function labels(u) {
    var m = data.memory, words = data.words, d = devicePixelRatio, left = u.bbox.left, right = left + u.bbox.width, taken = [];
    function y(value) { return u.valToPos(value, "y", true); }
    function width(text) { font(u); return u.ctx.measureText(text).width; }
    function isFree(box) { return taken.every(function (other) { return box[1] <= other[0] || box[0] >= other[1] || box[3] <= other[2] || box[2] >= other[3]; }); }
    function put(text, x, at, align, colour_) {
      var from = align === "left" ? x : x - width(text), lowest = u.bbox.top + u.bbox.height - 4 * d, found = null;
      [0, 15, -15, 30, -30].some(function (shift) {
        var base = Math.min(Math.max(at + shift * d, u.bbox.top + 12 * d), lowest), box = [from, from + width(text), base - 12 * d, base + 3 * d];
        found = isFree(box) ? box : found;
        return found;
      });
      if (!found) { return; }
      taken.push(found);
      say(u, text, x, found[3] - 3 * d, align, colour_);
    }
    function isSeen(seconds) { return seconds >= view[0] && seconds <= view[1]; }
    data.markers.filter(function (marker) { return isSeen(marker[0]) && (marker[1] === "death" || marker[1] === "alert"); }).forEach(function (marker) {
      var x = u.valToPos(marker[0], "x", true), level = levelAt(u.pieces(), marker[0], marker[1] === "death" ? 2 : 0);
      if (level !== null) { taken.push([x - 7 * d, x + 7 * d, y(level) - 7 * d, y(level) + 7 * d]); }
    });

    if (words.limit && y(m.limit) >= u.bbox.top) { put(words.limit, left + 5 * d, y(m.limit) - 6 * d, "left", "limit"); }
    if (words.reach && isSeen(m.reach[0])) { put(words.reach, Math.min(u.valToPos(m.reach[0], "x", true) + 10 * d, right - 4 * d), y(m.limit) - 8 * d, "right", "forecast"); }
    memoryLabel(u, width, y, put);
    m.trend.slice(-1).forEach(function (shape) {
      var from = Math.max(shape[0][0], view[0]), to = Math.min(shape[0][shape[0].length - 1], view[1]), at = (from + to) / 2;
      if (!words.trend || to <= from) { return; }
      put(words.trend, Math.min(u.valToPos(at, "x", true), right - width(words.trend) - 4 * d), y(between(shape, 2, at)) + 20 * d, "left", "trend");
    });
    if (words.forecast && view[1] >= data.edge) {
      // Where it leaves the picture, or ends.
      var f = m.forecast, i = f[0].length - 1;
      while (i > 0 && y(f[2][i]) < u.bbox.top) { i--; }
      put(words.forecast, Math.min(u.valToPos(f[0][i], "x", true) + width(words.forecast) + 8 * d, right - 4 * d), y(f[3][i]) - 8 * d, "right", "forecast");
    }
  }
  function memoryLabel(u, width, y, put) {
    var pieces = u.pieces(), piece = pieces[pieces.length - 1], d = devicePixelRatio;
    if (!piece) { return; }
    var text = data.words.memory + (view[1] >= data.until ? " " + data.words.now : ""), wide = width(text), top = Infinity;
    var x = Math.min(u.valToPos(piece[piece.length - 1].to, "x", true), u.bbox.left + u.bbox.width - 2 * d), isLeft = x - wide < u.bbox.left + 4 * d;
    var from = isLeft ? u.bbox.left : x - wide, to = from + wide;
    pieces.forEach(function (one) {
      one.forEach(function (bin) {
        if (u.valToPos(bin.to, "x", true) >= from && u.valToPos(bin.from, "x", true) <= to + 4 * d) { top = Math.min(top, y(bin.v[2])); }
      });
    });
    put(text, isLeft ? u.bbox.left + 5 * d : x, top - 8 * d, isLeft ? "left" : "right", "mean");
  }

  // What is near a moment, a line each.
  function momentsNear(seconds) {
    var reach = (view[1] - view[0]) / 120, found = data.markers.filter(function (m) { return Math.abs(m[0] - seconds) <= reach; });
    return found.slice(0, 3).map(function (m) { return "\n" + m[2]; }).join("");
  }
  function releaseAt(seconds) {
    var found = data.releases.filter(function (one) { return one[1] <= seconds && seconds < one[2]; });
    return found.length ? "\nrelease " + found[found.length - 1][0] : "";
  }
