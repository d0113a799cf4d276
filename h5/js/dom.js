// Elements from data. Text is always text: nothing here reads markup.

/**
 * An element. `properties` are its properties, `data` its data-* attributes, `aria` and any name
 * with a dash its attributes, `on` its listeners by event. Children that are null or false are
 * left out; strings and numbers are text.
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key.includes("-") || key === "role") element.setAttribute(key, value);
    else element[key === "class" ? "className" : key] = value;
  }
  append(element, children);
  return element;
}

/** Replace what `parent` holds. */
export function show(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}
