(function () {
  "use strict";
  document.documentElement.classList.add("live");
  // Where the clipboard may not be written, the command is selected for the reader to copy.
  function select(code) {
    var range = document.createRange(), chosen = getSelection();
    range.selectNodeContents(code); chosen.removeAllRanges(); chosen.addRange(range);
  }
  document.querySelectorAll(".command").forEach(function (command) {
    var code = command.querySelector("code"), button = command.querySelector("button");
    button.addEventListener("click", function () {
      select(code);
      if (!navigator.clipboard) { return; }
      navigator.clipboard.writeText(code.textContent).then(function () { button.textContent = "Copied"; }, function () { /* it stays selected */ });
    });
  });
})();
