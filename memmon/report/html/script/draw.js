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
  // The pen is given back as it was: uPlot remembers how it left it.
  function kept(u, draw) { u.ctx.save(); draw(); u.ctx.restore(); }
  function clipped(u, draw) {
    kept(u, function () {
      u.ctx.beginPath(); u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); u.ctx.clip();
      draw();
    });
  }

  // The value of a ribbon's row between two of its points.
  function between(shape, row, seconds) {
    var i = Math.min(Math.max(indexAt(shape[0], seconds), 1), shape[0].length - 1), x = shape[0];
    return shape[row][i - 1] + (seconds - x[i - 1]) / (x[i] - x[i - 1] || 1) * (shape[row][i] - shape[row][i - 1]);
  }
