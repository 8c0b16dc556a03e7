// The import form: the guess from the file's name, the request for a link, the upload straight to S3, then its page.
(() => {
  "use strict";

  const form = document.getElementById("drop");
  const zone = document.getElementById("zone");
  const chooser = document.getElementById("file");
  const programme = document.getElementById("programme");
  const instance = document.getElementById("instance");
  const send = document.getElementById("send");
  const fault = document.getElementById("fault");
  const sending = document.getElementById("sending");
  const sent = document.getElementById("sent");
  const share = document.getElementById("share");
  const guess = document.getElementById("guess");
  const fromFile = { programme: programme.options[0].textContent, instance: instance.placeholder };

  // The guess is only shown as a hint; only what the user chose is sent as an option.
  function showGuess(found) {
    const named = [...programme.options].find((option) => option.value && option.value === found.programme);
    programme.options[0].textContent = named ? `${fromFile.programme}: ${named.textContent}` : fromFile.programme;
    instance.placeholder = found.instance ? `${fromFile.instance}: ${found.instance}` : fromFile.instance;
  }

  async function look() {
    fault.textContent = "";
    const file = chooser.files[0];
    showGuess({});
    if (!file) return guess.replaceChildren();
    const answer = await fetch(`/drop/guess?name=${encodeURIComponent(file.name)}`, { headers: { Accept: "text/html" } });
    if (!answer.ok || chooser.files[0] !== file) return;
    // The answer is our own page with the name escaped, and a parsed document runs no scripts.
    guess.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
    showGuess(guess.querySelector("[data-programme]").dataset);
  }

  chooser.addEventListener("change", look);
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("is-over");
  });
  document.addEventListener("drop", (event) => {
    zone.classList.remove("is-over");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    const files = event.dataTransfer.files;
    const first = new DataTransfer();
    first.items.add(files[0]);
    chooser.files = first.files;
    look().then(() => {
      if (files.length > 1) fault.textContent = form.dataset.first;
    });
  });

  function request(file) {
    const given = new FormData(form);
    const wanted = { fileName: file.name, sizeBytes: file.size };
    for (const name of ["programType", "programInstance", "parentBatchId", "forceReason", "dateOrder", "timeZone"]) {
      const text = given.get(name).trim();
      if (text) wanted[name] = text;
    }
    if (given.get("dryRun")) wanted.dryRun = true;
    if (given.get("force")) wanted.force = true;
    if (given.get("maxErrorPercent")) wanted.maxErrorPercent = Number(given.get("maxErrorPercent"));
    return wanted;
  }

  function inTheReadersWords(problem) {
    const said = document.querySelector(`#says [data-code="${CSS.escape(problem.code || "")}"]`);
    return said ? said.textContent : problem.detail || problem.message || form.dataset.unreachable;
  }

  function put(file, link) {
    return new Promise((resolve, reject) => {
      const upload = new XMLHttpRequest();
      upload.open(link.method, link.url);
      for (const [name, value] of Object.entries(link.headers)) upload.setRequestHeader(name, value);
      upload.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        sent.value = event.loaded / event.total;
        share.textContent = `${form.dataset.sending}: ${Math.floor((100 * event.loaded) / event.total)} %`;
      });
      upload.addEventListener("load", () => (upload.status < 300 ? resolve() : reject(new Error(form.dataset.rejected))));
      upload.addEventListener("error", () => reject(new Error(form.dataset.unreachable)));
      upload.send(file);
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fault.textContent = "";
    const file = chooser.files[0];
    if (!file) {
      fault.textContent = form.dataset.nothing;
      return chooser.focus();
    }
    send.disabled = true;
    sending.hidden = false;
    sent.value = 0;
    share.textContent = form.dataset.sending;
    try {
      const answer = await fetch(form.dataset.uploads, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(request(file)),
      }).catch(() => {
        throw new Error(form.dataset.unreachable);
      });
      // The file stays selected: after signing in again in another tab, one more click sends it.
      if (answer.status === 401) throw new Error(form.dataset.signedOut);
      const link = await answer.json().catch(() => ({ detail: form.dataset.unreachable }));
      if (!answer.ok) throw new Error(inTheReadersWords(link));
      await put(file, link);
      share.textContent = form.dataset.sent;
      location.assign(`/uploads/${encodeURIComponent(link.uploadId)}`);
    } catch (wrong) {
      fault.textContent = wrong.message;
      sending.hidden = true;
      send.disabled = false;
      send.focus();
    }
  });
})();
