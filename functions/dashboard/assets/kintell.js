// Shows times in the reader's zone and format, and announces changes on a live page once to screen readers.
(() => {
  "use strict";

  const language = document.documentElement.lang;
  // The reader's own variant of the page's language: en-GB and en-US write dates differently.
  const locale = navigator.languages.find((own) => own.split("-")[0] === language || (language === "nb" && /^n[bno]/.test(own))) || language;
  const days = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

  function writeTimes(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.valueOf())) time.textContent = moments.format(at);
    }
    // SVG has no <time> element, and a picture has room only for the day.
    for (const drawn of within.querySelectorAll("tspan[data-datetime]")) {
      drawn.textContent = days.format(new Date(drawn.dataset.datetime));
    }
  }

  function announce(within) {
    const place = document.getElementById("announce");
    const said = (within.matches("[data-announce]") ? within : within.querySelector("[data-announce]"))?.dataset.announce;
    if (place && said !== undefined && place.textContent !== said) place.textContent = said;
  }

  // While polling fails, the page says so; it hides the message after the next answer.
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

  // The server takes JSON only: a form of another site could send nothing else by itself.
  if (window.htmx) {
    htmx.defineExtension("as-json", {
      onEvent: (name, event) => {
        if (name === "htmx:configRequest") event.detail.headers["Content-Type"] = "application/json";
        return true;
      },
      encodeParameters: (xhr, parameters) => JSON.stringify(Object.fromEntries(parameters.entries())),
    });
  }

  // On a narrow screen a chart is scrolled to its end, the newest month.
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
    // Move the focus to content that a button has loaded.
    loaded.target.querySelector("[data-focus]")?.focus();
  });
})();
