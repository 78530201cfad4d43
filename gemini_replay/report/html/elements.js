// Elements of the page. Text from a cassette becomes a text node, never markup.

const SVG = 'http://www.w3.org/2000/svg';

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  return element;
}

function make(tag, attributes, ...children) {
  const element = set(document.createElement(tag), attributes || {});
  element.append(...children.filter((child) => child !== null && child !== ''));
  return element;
}

function draw(tag, attributes, ...children) {
  const element = set(document.createElementNS(SVG, tag), attributes);
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);

function seconds(value) {
  return value < 10 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`;
}

function gap(value) {
  return value < 1 ? `${Math.round(value * 1000)} ms` : seconds(value);
}

function amount(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

// A screen reader says it, once.
function announce(text) {
  byId('status').textContent = text;
}

// A section with a heading, which names it.
let sections = 0;
function section(title, name, ...children) {
  const id = `section-${++sections}`;
  return make('section', {class: `card ${name}`, 'aria-labelledby': id}, make('h3', {id}, title), ...children);
}

function folded(title, fill, open = false) {
  const details = make('details', {class: 'folded', open}, make('summary', {}, title));
  whenOpened(details, fill);
  return details;
}

// What is folded away is built when it is first opened.
function whenOpened(details, fill) {
  const build = () => {
    if (!details.open || details.dataset.built) return;
    details.dataset.built = 'yes';
    details.append(...fill());
  };
  details.addEventListener('toggle', build);
  build();
}

const CLIPPED = 3000;

// A text with its line breaks; one that is long is cut, with a button that shows the rest.
function longText(text, attributes = {}, tag = 'div') {
  const shown = make(tag, {class: 'text', ...attributes});
  if (text.length <= CLIPPED * 1.2) {
    shown.textContent = text;
    return shown;
  }
  const cut = /[\ud800-\udbff]/.test(text[CLIPPED - 1]) ? CLIPPED - 1 : CLIPPED;
  const rest = make('button', {type: 'button', class: 'more'}, `Show all ${text.length.toLocaleString('en')} characters`);
  rest.addEventListener('click', () => {
    rest.remove();
    shown.append(...pieces(text.slice(cut)));
    shown.tabIndex = -1;
    shown.focus();
  });
  shown.append(`${text.slice(0, cut)}`, rest);
  return shown;
}

// A very long text in elements of their own, so that the browser lays out only those in sight.
function pieces(text) {
  const found = [];
  for (let from = 0; from < text.length; ) {
    let to = text.length - from > 40000 ? text.indexOf('\n', from + 20000) : -1;
    to = to < 0 ? text.length : to;
    found.push(make('div', {class: 'piece'}, text.slice(from, to)));
    from = to + 1;
  }
  return found;
}

// JSON with line breaks and indents. It is laid out as text: numbers and escapes stay as they came.
function indented(json) {
  let depth = 0;
  let out = '';
  const line = () => `\n${'  '.repeat(Math.min(depth, 40))}`;
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\[^][^"\\]*)*"?|[{[]\s*[}\]]|[^\s"{}[\],:]+|[{}[\],:]/g)) {
    if (token === '{' || token === '[') {
      depth += 1;
      out += token + line();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      out += line() + token;
    } else if (token === ',') out += token + line();
    else out += token === ':' ? ': ' : token.replace(/^([{[])\s+/, '$1');
  }
  return out;
}

function code(text) {
  return make('pre', {class: 'code', tabindex: '0', role: 'group', 'aria-label': 'Code'}, longText(text, {}, 'code'));
}

function terms(pairs, name = 'terms') {
  const list = make('dl', {class: name});
  for (const [term, value] of pairs) {
    list.append(make('div', {}, make('dt', {}, term), make('dd', {}, value instanceof Node ? value : String(value))));
  }
  return list;
}
