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

  function show(done) {
    sent.value = done;
    share.textContent = `${form.dataset.sending}: ${Math.floor(100 * done)} %`;
  }

  function put(content, link, seen) {
    return new Promise((resolve, reject) => {
      const upload = new XMLHttpRequest();
      upload.open(link.method || "PUT", link.url);
      for (const [name, value] of Object.entries(link.headers || {})) upload.setRequestHeader(name, value);
      upload.upload.addEventListener("progress", (event) => event.lengthComputable && seen(event.loaded));
      const failed = (text) => reject(Object.assign(new Error(text), { status: upload.status }));
      upload.addEventListener("load", () => (upload.status < 300 ? resolve(upload) : failed(form.dataset.rejected)));
      upload.addEventListener("error", () => failed(form.dataset.unreachable));
      upload.send(content);
    });
  }

  const ATTEMPTS = 4;
  const AT_ONCE = 3;
  const later = (attempt) => new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt));

  async function putPart(content, part, seen) {
    for (let attempt = 0; ; attempt++) {
      try {
        return (await put(content, part, seen)).getResponseHeader("ETag");
      } catch (failed) {
        seen(0);
        // No answer, or a storage that is busy: the same request may succeed in a moment.
        const isPassing = failed.status === 0 || failed.status === 429 || failed.status >= 500;
        if (!isPassing || attempt === ATTEMPTS - 1) throw failed;
        await later(attempt);
      }
    }
  }

  // The parts of a large file. What has been sent stays sent: the next attempt asks only for the rest.
  async function putParts(file, links) {
    const etags = new Map((links.sentParts || []).map((part) => [part.number, part.etag]));
    const sizeOf = (number) => Math.min(links.partBytes, file.size - (number - 1) * links.partBytes);
    const bytes = new Map([...etags.keys()].map((number) => [number, sizeOf(number)]));
    const waiting = [...links.parts];
    async function worker() {
      for (let part; (part = waiting.shift()); ) {
        const { number } = part;
        const start = (number - 1) * links.partBytes;
        const etag = await putPart(file.slice(start, start + sizeOf(number)), part, (loaded) => {
          bytes.set(number, loaded);
          show([...bytes.values()].reduce((sum, one) => sum + one, 0) / file.size);
        });
        etags.set(number, etag);
      }
    }
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    } finally {
      waiting.length = 0;
    }
    const parts = [...etags].sort(([a], [b]) => a - b);
    const named = parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`);
    const done = await fetch(links.completeUrl, {
      method: "POST",
      headers: { "Content-Type": "application/xml" },
      body: `<CompleteMultipartUpload>${named.join("")}</CompleteMultipartUpload>`,
    }).catch(() => {
      throw new Error(form.dataset.unreachable);
    });
    // S3 begins its answer before it is done, so an error may come with status 200.
    if (!done.ok || (await done.text()).includes("<Error>")) throw new Error(form.dataset.rejected);
  }

  async function ask(address, body) {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    }).catch(() => {
      throw new Error(form.dataset.unreachable);
    });
    // The file stays selected: after signing in again in another tab, one more click sends it.
    if (answer.status === 401) throw new Error(form.dataset.signedOut);
    return [answer.status, await answer.json().catch(() => ({ detail: form.dataset.unreachable }))];
  }

  // The upload in parts that broke off on this page, with the file and the options that it is of.
  let unfinished = null;

  async function linksFor(file, wanted) {
    const options = JSON.stringify(wanted);
    if (unfinished && unfinished.file === file && unfinished.options === options) {
      const [status, links] = await ask(`${form.dataset.uploads}/${encodeURIComponent(unfinished.id)}/parts`, {});
      if (status === 200) return links;
    }
    const [status, links] = await ask(form.dataset.uploads, wanted);
    if (status >= 300) throw new Error(inTheReadersWords(links));
    unfinished = links.parts ? { file, options, id: links.uploadId } : null;
    return links;
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
      const link = await linksFor(file, request(file));
      if (link.parts) await putParts(file, link);
      else await put(file, link, (loaded) => show(loaded / file.size));
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
