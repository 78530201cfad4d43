// The answer as it stands at a moment: text and thoughts grow, what else is said stands in lines of its own.

const ABOUT = ['finish', 'sources'];
const ALARMING = ['error', 'blocked', 'not JSON'];
const LONG_RUN = 4000;

class Answer {
  constructor() {
    this.body = make('div', {class: 'said'});
    this.about = make('ul', {class: 'about'});
    this.element = make('div', {class: 'answer', tabindex: '0', role: 'region', 'aria-label': 'The answer'}, this.body, this.about);
    this.clear();
  }

  clear() {
    this.body.replaceChildren();
    this.about.replaceChildren();
    this.kind = '';
    this.node = null;
    this.known = new Set();
  }

  add(said) {
    for (const [kind, text] of said) {
      if (ABOUT.includes(kind)) this.addAbout(kind, text);
      else if (kind === 'text' || kind === 'thoughts') this.addText(kind, text);
      else {
        const tone = ALARMING.includes(kind) ? 'alarming' : 'plain';
        this.body.append(make('div', {class: `part ${tone}`}, make('span', {class: 'kind'}, kind), ' ', longText(text, {class: 'text of-part'}, 'span')));
        this.kind = kind;
      }
    }
  }

  addAbout(kind, text) {
    const key = `${kind} ${text}`;
    if (this.known.has(key)) return;
    this.known.add(key);
    this.about.append(make('li', {class: `about-${kind}`}, make('span', {class: 'kind'}, kind), ` ${text}`));
  }

  addText(kind, text) {
    if (this.kind !== kind) {
      this.block = make('div', {class: `text ${kind}`});
      if (kind === 'thoughts') this.block.append(make('span', {class: 'kind'}, 'thoughts'));
      this.body.append(this.block);
      this.kind = kind;
      this.newRun();
    }
    // A new run begins at the end of a line: the browser lays out only what changes and what is in sight.
    const end = this.node.length > LONG_RUN ? text.indexOf('\n') : -1;
    if (end < 0) this.node.appendData(text);
    else {
      this.node.appendData(text.slice(0, end));
      this.newRun();
      this.addText(kind, text.slice(end + 1));
    }
  }

  newRun() {
    this.node = document.createTextNode('');
    this.block.append(make('div', {class: 'run'}, this.node));
  }

  say(text) {
    this.clear();
    this.body.append(make('p', {class: 'quiet'}, text));
  }
}
