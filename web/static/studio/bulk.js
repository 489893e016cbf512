// A job's page draws itself anew until the job is finished.

const PAUSE_MS = 1000;

async function look() {
  const job = document.getElementById("job");
  if (!job.hasAttribute("data-running")) return;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("job");
    if (response.ok && fresh) job.replaceWith(document.adoptNode(fresh));
  } catch { /* the connection may come back */ }
  setTimeout(look, PAUSE_MS);
}
setTimeout(look, PAUSE_MS);
