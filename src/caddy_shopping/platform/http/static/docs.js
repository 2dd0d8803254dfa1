"use strict";
// Renders /api/openapi.json. Text is only ever set as text, so nothing in the document can become markup.

function make(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// `code` and [words](link) are all the markdown that descriptions use.
function prose(text) {
  return (text || "").split(/\n\n+/).map((paragraph) => {
    const node = make("p");
    for (const part of paragraph.split(/(`[^`]+`|\[[^\]]+\]\([^)]+\))/)) {
      const link = /^\[([^\]]+)\]\((\/[^)]+)\)$/.exec(part);
      if (link) node.append(make("a", { href: link[2] }, link[1]));
      else if (/^`.*`$/.test(part)) node.append(make("code", {}, part.slice(1, -1)));
      else node.append(part);
    }
    return node;
  });
}

function typeName(schema, spec) {
  if (!schema) return "anything";
  if (schema.$ref) return schema.$ref.split("/").pop();
  for (const union of ["anyOf", "oneOf"]) if (schema[union]) return schema[union].map((part) => typeName(part, spec)).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return "list of " + typeName(schema.items, spec);
  const limits = [];
  if (schema.minimum > -(2 ** 53)) limits.push("≥ " + schema.minimum);
  if (schema.maximum < 2 ** 53) limits.push("≤ " + schema.maximum);
  if (schema.minLength) limits.push("≥ " + schema.minLength + " characters");
  if (schema.maxLength) limits.push("≤ " + schema.maxLength + " characters");
  if (schema.pattern) limits.push("matches " + schema.pattern);
  const name = schema.format && schema.format !== "int64" ? schema.format : schema.type || "anything";
  return limits.length ? name + " (" + limits.join(", ") + ")" : name;
}

function fields(schema, spec, seen) {
  while (schema && schema.$ref) {
    if (seen.has(schema.$ref)) return null;
    seen = new Set(seen).add(schema.$ref);
    schema = spec.components.schemas[schema.$ref.split("/").pop()];
  }
  if (!schema) return null;
  if (schema.type === "array") return fields(schema.items, spec, seen);
  for (const union of ["anyOf", "oneOf"]) {
    if (schema[union]) return fields(schema[union].find((part) => part.type !== "null"), spec, seen);
  }
  if (!schema.properties) return null;
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties).map(([name, part]) => {
    const deeper = fields(part, spec, seen);
    return make("tr", {},
      make("td", {}, make("code", {}, name), required.has(name) ? "" : make("small", {}, " optional")),
      make("td", {}, typeName(part, spec)),
      make("td", {}, ...prose(part.description), deeper ? make("details", {}, make("summary", {}, "fields"), deeper) : ""));
  });
  return make("table", {}, make("tbody", {}, ...rows));
}

function example(media) {
  return media && media.example !== undefined ? make("pre", {}, JSON.stringify(media.example, null, 2)) : null;
}

function body(title, content, spec) {
  return Object.entries(content || {}).flatMap(([type, media]) => [
    make("h4", {}, title + " ", make("code", {}, type)),
    media.schema ? make("p", {}, make("code", {}, typeName(media.schema, spec))) : null,
    media.schema ? fields(media.schema, spec, new Set()) : null,
    example(media),
  ]);
}

function parameters(list) {
  if (!list || !list.length) return [];
  const rows = list.map((one) => make("tr", {},
    make("td", {}, make("code", {}, one.name), make("small", {}, " " + one.in + (one.required ? "" : ", optional"))),
    make("td", {}, typeName(one.schema)),
    make("td", {}, ...prose(one.description))));
  return [make("h4", {}, "Parameters"), make("table", {}, make("tbody", {}, ...rows))];
}

function operation(path, method, entry, spec) {
  const good = Object.entries(entry.responses).filter(([status]) => status < 400);
  const bad = Object.entries(entry.responses).filter(([status]) => status >= 400);
  const signIn = entry.security && entry.security.length && !entry.security.some((one) => !Object.keys(one).length);
  const inside = make("div");
  const article = make("article", { id: entry.operationId }, make("details", {},
    make("summary", {}, make("span", { class: "method " + method }, method.toUpperCase()), make("code", {}, path), " — " + entry.summary), inside));
  const details = article.firstChild;
  details.addEventListener("toggle", () => {
    if (inside.childNodes.length) return;
    inside.append(...prose(entry.description),
      make("p", {}, signIn ? "Needs an access token: Authorization: Bearer …" : "Open to everybody."),
      ...parameters(entry.parameters),
      ...body("Body", (entry.requestBody || {}).content, spec).filter(Boolean),
      ...good.flatMap(([status, one]) => [make("h4", {}, status + " " + one.description), ...body("Answer", one.content, spec).filter(Boolean)]),
      make("h4", {}, "Errors"),
      make("table", {}, make("tbody", {}, ...bad.map(([status, one]) => make("tr", {},
        make("th", {}, status),
        make("td", {}, ...Object.keys(((one.content || {})["application/problem+json"] || {}).examples || {}).flatMap((code) =>
          [make("a", { href: "/api/docs/errors#" + code }, code), " "])))))));
  });
  return article;
}

function open() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "ARTICLE") {
    target.firstChild.open = true;
    target.scrollIntoView();
  }
}

function show(spec) {
  const main = document.getElementById("main");
  const contents = document.getElementById("contents");
  const search = make("input", { type: "search", placeholder: "Find an operation", "aria-label": "Find an operation" });
  contents.append(search);
  main.replaceChildren(make("h1", {}, spec.info.title + " " + spec.info.version), ...prose(spec.info.description),
    make("p", {}, make("a", { href: "/api/openapi.json" }, "openapi.json"), " · ", make("a", { href: "/api/docs/events" }, "Events")));
  for (const tag of spec.tags) {
    contents.append(make("h2", {}, tag.name));
    main.append(make("h2", { id: "tag-" + tag.name }, tag.name), ...prose(tag.description));
    for (const [path, methods] of Object.entries(spec.paths)) {
      for (const [method, entry] of Object.entries(methods)) {
        if (!entry.operationId || !(entry.tags || []).includes(tag.name)) continue;
        contents.append(make("a", { href: "#" + entry.operationId, title: path }, make("span", { class: "method " + method }, method.toUpperCase()), entry.summary));
        main.append(operation(path, method, entry, spec));
      }
    }
  }
  search.addEventListener("input", () => {
    for (const link of contents.querySelectorAll("a")) {
      link.hidden = !(link.textContent + link.title).toLowerCase().includes(search.value.toLowerCase());
    }
  });
  window.addEventListener("hashchange", open);
  open();
}

fetch("/api/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
  .then(show)
  .catch((error) => document.getElementById("main").replaceChildren(make("p", {}, "The document could not be read: " + error.message)));
