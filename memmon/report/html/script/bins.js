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
      piece.push({ from: t[row], to: Math.max(Math.min(last + source.cell, nextCut(last), after, data.until), last), v: source.columns.map(function (column) {
        return reduce[column[0]](column[1], source.counts, row, end);
      }) });
    }
    return pieces;
  }
  // The bin that a moment lies in, or the nearest where a reading is missing; null in a pause and in what is to come.
  function binAt(pieces, seconds) {
    var found = null, least = Infinity;
    if (pauseAt(seconds) || seconds > data.until) { return null; }
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
