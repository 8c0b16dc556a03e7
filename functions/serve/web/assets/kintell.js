// Times in the reader's zone and manner; what changes on a live page, said aloud once.
(() => {
  "use strict";

  const language = document.documentElement.lang;
  // The reader's own kind of the page's language: en-GB writes dates otherwise than en-US.
  const locale = navigator.languages.find((own) => own.split("-")[0] === language || (language === "nb" && /^n[bno]/.test(own))) || language;
  const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

  function writeTimes(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.valueOf())) time.textContent = moments.format(at);
    }
  }

  function announce(within) {
    const place = document.getElementById("announce");
    const said = (within.matches("[data-announce]") ? within : within.querySelector("[data-announce]"))?.dataset.announce;
    if (place && said !== undefined && place.textContent !== said) place.textContent = said;
  }

  writeTimes(document);
  document.addEventListener("htmx:load", (loaded) => {
    writeTimes(loaded.target.parentElement || loaded.target);
    if (loaded.target !== document.body) announce(loaded.target);
  });
})();
