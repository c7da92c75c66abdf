  function start() {
    root.classList.add("live");
    view = [data.since, data.edge];
    memoryChart();
    stackChart("parts", data.parts);
    stackChart("split", data.split);
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
    addEventListener("hashchange", remembered);
    window.addEventListener("resize", function () {
      charts.forEach(function (entry) { entry.u.setSize({ width: Math.max(entry.place.clientWidth, 50), height: entry.u.height }); });
      zoom(view[0], view[1]);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
      charts.forEach(function (entry) { entry.u.redraw(); });
    });
    window.addEventListener("beforeprint", function () {
      document.querySelectorAll("details.judged").forEach(function (details) { details.open = true; });
    });
  }
  start();
