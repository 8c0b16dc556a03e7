// Times in the reader's zone and manner; what changes on a live page, said aloud once.
(() => {
  "use strict";

  const language = document.documentElement.lang;
  // The reader's own kind of the page's language: en-GB writes dates otherwise than en-US.
  const locale = navigator.languages.find((own) => own.split("-")[0] === language || (language === "nb" && /^n[bno]/.test(own))) || language;
  const days = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

  function writeTimes(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.valueOf())) time.textContent = moments.format(at);
    }
    // In a picture there is no <time>, and room for the day alone.
    for (const drawn of within.querySelectorAll("tspan[data-datetime]")) {
      drawn.textContent = days.format(new Date(drawn.dataset.datetime));
    }
  }

  function announce(within) {
    const place = document.getElementById("announce");
    const said = (within.matches("[data-announce]") ? within : within.querySelector("[data-announce]"))?.dataset.announce;
    if (place && said !== undefined && place.textContent !== said) place.textContent = said;
  }

  // A page that asks again says so while nobody answers, and takes it back when somebody does.
  const trouble = document.getElementById("trouble");
  function say(text) {
    trouble.textContent = text;
    trouble.hidden = false;
  }
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => say(trouble.dataset.silence));
  document.addEventListener("htmx:responseError", (answered) => {
    const { status, responseText } = answered.detail.xhr;
    const problem = status < 500 && new DOMParser().parseFromString(responseText, "text/html").querySelector("h1");
    say(problem ? problem.textContent : trouble.dataset.silence);
  });
  document.addEventListener("htmx:beforeSwap", (answered) => {
    if (answered.detail.xhr.status < 400) trouble.hidden = true;
  });

  // On a narrow screen a chart begins at its end: the newest month.
  function showNewest(within) {
    for (const chart of within.querySelectorAll(".chart")) chart.scrollLeft = chart.scrollWidth;
  }

  writeTimes(document);
  showNewest(document);
  document.addEventListener("htmx:load", (loaded) => {
    writeTimes(loaded.target.parentElement || loaded.target);
    if (loaded.target === document.body) return;
    announce(loaded.target);
    showNewest(loaded.target);
    // What was asked for by a button: its reader goes on there.
    loaded.target.querySelector("[data-focus]")?.focus();
  });
})();
