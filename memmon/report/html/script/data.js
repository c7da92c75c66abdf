  // What the page brought along, and how it reads.
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
  // As megabytes() in memmon/formatting.py has it.
  function figure(value) { return Math.round(value * 10) >= 1e4 ? Math.round(value).toLocaleString("en") : value.toFixed(1); }
  function mb(value) { return value === null || value === undefined ? "no reading" : figure(value) + " MB"; }

  // The first index at or after a time.
  function indexAt(at, seconds) {
    var low = 0, high = at.length;
    while (low < high) { var mid = (low + high) >> 1; if (at[mid] < seconds) { low = mid + 1; } else { high = mid; } }
    return low;
  }
