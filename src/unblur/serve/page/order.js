// What is asked of the server: the method, its settings and the light of the blur, as the panel says them.

const $ = (id) => document.getElementById(id);
let methods = [];
let light = ""; // the transfer that the user chose; some methods allow one only
$("transfers").addEventListener("change", (event) => { light = event.target.value; });

// The order for a PSF; null without one.
export function orderOf(psf) {
  if (!psf) return null;
  const method = $("method").value || null;
  const words = { psf, method };
  const transfer = document.querySelector("input[name=transfer]:checked").value;
  if (transfer) words.transfer = transfer;
  if ($("deep").checked && !$("deep-row").hidden) words.deep = true;
  const settings = {};
  for (const field of document.querySelectorAll("#settings [data-setting]")) {
    const value = field.type === "checkbox" ? field.checked : field.type === "number" ? Number(field.value) : field.value;
    if (field.value !== "" && String(value) !== field.dataset.default) settings[field.dataset.setting] = value;
  }
  if (Object.keys(settings).length) words.settings = settings;
  return words;
}

export function listMethods({ methods: all, default: first }) {
  methods = all;
  const options = [...all].sort((a, b) => (b.name === first) - (a.name === first)).map((method) => {
    const option = document.createElement("option");
    option.value = method.name;
    option.textContent = method.name === first ? `${method.name}: the usual choice` : method.name;
    option.title = method.title;
    return option;
  });
  $("method").replaceChildren(...options);
  listSettings();
}

export function listSettings() {
  const method = methods.find(({ name }) => name === $("method").value);
  $("method-title").textContent = method.title;
  $("settings").replaceChildren(...method.settings.map((setting) => {
    const label = document.createElement("label");
    label.append(setting.name.replaceAll("_", " "));
    const field = document.createElement(setting.kind === "choice" ? "select" : "input");
    if (setting.kind === "choice") {
      field.append(...setting.choices.map((choice) => new Option(choice, choice)));
      field.value = setting.default;
    } else if (setting.kind === "switch") {
      field.type = "checkbox";
      field.checked = setting.default;
    } else {
      field.type = "number";
      field.step = setting.kind === "integer" ? "1" : "any";
      field.value = Number(Number(setting.default).toPrecision(4));
    }
    field.dataset.setting = setting.name;
    field.dataset.default = field.type === "checkbox" ? String(setting.default) : field.value;
    label.append(field);
    return label;
  }));
  const own = method.transfer === "any" ? null : method.transfer;
  for (const radio of document.querySelectorAll("input[name=transfer]")) {
    radio.disabled = own !== null;
    radio.checked = radio.value === (own === null ? light : own === "linear" ? "" : own);
  }
}

// The same order for a terminal, where the PSF is one that can be written down.
export function tellCommand(words, photoName, shape) {
  const can = words && shape && !words.deep; // what the command has no word for is not told
  $("command").hidden = !can;
  if (!can) return;
  const name = /^[\w.][\w.-]*$/.test(photoName) ? photoName : `'${photoName.replaceAll("'", "'\\''")}'`;
  const parts = ["unblur restore", name, "--psf", shape, "--method", words.method];
  if (words.transfer) parts.push("--transfer", words.transfer);
  for (const [key, value] of Object.entries(words.settings ?? {})) parts.push("--set", `${key}=${value}`);
  $("command").querySelector("code").textContent = parts.join(" ");
}

// Methods that cannot take the PSF stay in the list, but cannot be chosen. Says whether another had to be taken.
export function refuseMethods(reasons) {
  for (const option of $("method").options) {
    option.disabled = option.value in reasons;
    option.textContent = option.textContent.replace(/ \(for another blur\)$/, "") + (option.disabled ? " (for another blur)" : "");
  }
  if (!$("method").selectedOptions[0]?.disabled) return false;
  $("method").selectedIndex = 0;
  listSettings();
  return true;
}
