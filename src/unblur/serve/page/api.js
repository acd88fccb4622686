// What the page asks of its server. Every failure becomes an Error whose message is one sentence.

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Is unblur serve still running?", 0);
  }
  if (answer.ok) return answer;
  let text = `The server answered with ${answer.status}.`;
  try {
    text = (await answer.json()).error || text;
  } catch { /* not ours: the number must do */ }
  throw new Refused(text, answer.status);
}

export async function get(path) {
  return (await ask(path)).json();
}

export async function post(path, words, signal) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(words), signal };
  return ask(path, options);
}

export async function sendFile(path, file, query = {}) {
  const words = new URLSearchParams({ ...query, name: file.name });
  const headers = { "content-type": "application/octet-stream" };
  return (await ask(`${path}?${words}`, { method: "POST", headers, body: file })).json();
}

export async function remove(path, keepalive = false) {
  return ask(path, { method: "DELETE", keepalive });
}

export async function picture(path, signal) {
  return createImageBitmap(await (await ask(path, { signal })).blob());
}
