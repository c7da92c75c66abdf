(function () {
  "use strict";
  // The dashboard's pages load anew by themselves, unless the reader stops them or looks elsewhere.
  var button = document.getElementById("live");
  if (!button) { return; }
  var on = true;
  try { on = sessionStorage.getItem("memmon-live") !== "off"; } catch (error) { /* storage may be forbidden */ }
  function show() { button.setAttribute("aria-pressed", String(on)); }
  button.hidden = false;
  button.addEventListener("click", function () {
    on = !on;
    try { sessionStorage.setItem("memmon-live", on ? "on" : "off"); } catch (error) { /* same */ }
    show();
  });
  setInterval(function () { if (on && !document.hidden) { location.reload(); } }, Number(button.getAttribute("data-seconds")) * 1000);
  show();
})();
