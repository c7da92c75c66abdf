(function () {
  "use strict";
  // A page that is opened long after it was made says so: its verdict is of then. From an hour on, as verdicts are
  // hourly; a length of time reads as everywhere (formatting.py).
  var TOLD_FROM_HOURS = 1, HOURS_UNTIL = 48;
  function words(hours) {
    return hours < 2 ? Math.round(hours * 60) + " min" : hours < HOURS_UNTIL ? hours.toFixed(1) + " h" : (hours / 24).toFixed(1) + " d";
  }
  function tell() {
    var line = document.querySelector("[data-made]"), hours = line ? (Date.now() / 1000 - Number(line.getAttribute("data-made"))) / 3600 : 0;
    if (!(hours >= TOLD_FROM_HOURS)) { return; }
    var told = line.querySelector(".old") || line.appendChild(document.createElement("span"));
    told.className = "old"; told.textContent = "this page is " + words(hours) + " old";
  }
  tell();
  setInterval(tell, 60000);
})();
