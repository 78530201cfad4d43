// When the bytes and the tokens of an answer came: two lanes of steps over one axis of time, and a mark for each chunk.

const LEFT = 62;
const RIGHT = 14;
const LANE = 46;
const SPACE = 12;
const MARKS = 18;

class Timeline {
  constructor(recording, seek) {
    this.recording = recording;
    this.seek = seek;
    this.span = Math.max(recording.took, 0.001);
    this.bytes = running(recording.chunks.map(([at, size]) => [at, size]));
    this.tokens = running(recording.events.filter((event) => event.tokens).map((event) => [event.at, event.tokens]));
    this.lanes = [['bytes', this.bytes], ['tokens', this.tokens]].filter(([, steps]) => steps.length);
    this.height = this.lanes.length * (LANE + SPACE) + MARKS + 30;
    this.svg = draw('svg', {class: 'timeline', role: 'img', 'aria-label': this.inWords(), height: this.height});
    this.tip = make('p', {class: 'tip', 'aria-hidden': 'true'}, ' ');
    this.element = make('div', {class: 'timeline-box'}, this.svg, this.tip);
    this.time = recording.took;
    this.width = 0;
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
    this.svg.addEventListener('pointerdown', (event) => this.press(event));
    this.svg.addEventListener('pointermove', (event) => this.move(event));
    this.svg.addEventListener('pointerleave', () => { this.tip.textContent = ' '; });
  }

  inWords() {
    const {recording} = this;
    const figures = recording.figures.map(([name, value]) => `${name} ${value}`).join(', ');
    return `Timeline: ${figures}`;
  }

  x(at) {
    return LEFT + (Math.min(at, this.span) / this.span) * (this.width - LEFT - RIGHT);
  }

  at(event) {
    const {left} = this.svg.getBoundingClientRect();
    const part = (event.clientX - left - LEFT) / (this.width - LEFT - RIGHT);
    return Math.min(Math.max(part, 0), 1) * this.span;
  }

  press(event) {
    this.svg.setPointerCapture(event.pointerId);
    this.seek(this.at(event));
  }

  move(event) {
    const at = this.at(event);
    if (event.buttons & 1) this.seek(at);
    const told = [seconds(at), amount(total(this.bytes, at))];
    if (this.tokens.length) told.push(counted(total(this.tokens, at), 'token'));
    told.push(counted(upTo(this.recording.events, at), 'event'));
    this.tip.textContent = told.join('  ·  ');
  }

  resize() {
    const width = Math.round(this.element.clientWidth);
    if (!width || width === this.width) return;
    this.width = width;
    this.svg.setAttribute('width', width);
    this.svg.setAttribute('viewBox', `0 0 ${width} ${this.height}`);
    this.svg.replaceChildren(...this.picture());
    this.show(this.time);
  }

  *picture() {
    const bottom = this.height - 24;
    const marks = this.lanes.length * (LANE + SPACE) + 4;
    yield* this.waits(bottom, marks);
    let top = 4;
    for (const [name, steps] of this.lanes) {
      yield* this.lane(name, steps, top);
      top += LANE + SPACE;
    }
    if (this.recording.chunks.length) {
      const lines = this.recording.chunks.map(([at]) => `M${this.x(at).toFixed(1)} ${marks}v${MARKS}`).join('');
      yield draw('text', {class: 'label', x: 0, y: marks + 13}, 'chunks');
      yield draw('path', {class: 'marks', d: lines});
    }
    yield draw('line', {class: 'axis', x1: LEFT, x2: this.width - RIGHT, y1: bottom, y2: bottom});
    for (const at of ticks(this.span, (this.width - LEFT) / 80)) {
      yield draw('line', {class: 'axis', x1: this.x(at), x2: this.x(at), y1: bottom, y2: bottom + 4});
      const anchor = at === 0 ? 'start' : this.width - this.x(at) < 30 ? 'end' : 'middle';
      yield draw('text', {class: 'tick', x: this.x(at), y: bottom + 18, 'text-anchor': anchor}, `${Number(at.toFixed(3))} s`);
    }
    this.head = draw('line', {class: 'head', y1: 0, y2: bottom + 4});
    this.knob = draw('circle', {class: 'knob', r: 4, cy: bottom});
    yield this.head;
    yield this.knob;
  }

  // The wait for the first byte, and the longest gap after it, as bands; named where no chunk came, if there is room.
  *waits(bottom, marks) {
    const {chunks} = this.recording;
    if (!chunks.length) return;
    yield* this.band('first byte', 0, chunks[0][0], bottom, marks);
    let longest = 1;
    for (let nth = 2; nth < chunks.length; nth++) {
      if (chunks[nth][0] - chunks[nth - 1][0] > chunks[longest][0] - chunks[longest - 1][0]) longest = nth;
    }
    if (chunks.length > 3) yield* this.band('longest gap', chunks[longest - 1][0], chunks[longest][0], bottom, marks);
  }

  *band(name, from, to, bottom, marks) {
    const width = Math.max(this.x(to) - this.x(from), 0);
    const told = `${name} ${gap(to - from)}`;
    const band = draw('rect', {class: name === 'first byte' ? 'band' : 'band longest', x: this.x(from), y: 0, width, height: bottom});
    band.append(draw('title', {}, told));
    yield band;
    if (width > told.length * 6.5 + 12) yield draw('text', {class: 'tick', x: this.x(from) + width / 2, y: marks + 13, 'text-anchor': 'middle'}, told);
  }

  *lane(name, steps, top) {
    const whole = steps[steps.length - 1][1];
    const y = (value) => (top + LANE - (value / whole) * (LANE - 2)).toFixed(1);
    let line = `M${LEFT} ${top + LANE}`;
    for (const [at, value] of steps) line += `H${this.x(at).toFixed(1)}V${y(value)}`;
    line += `H${this.width - RIGHT}`;
    yield draw('path', {class: `area ${name}`, d: `${line}V${top + LANE}Z`});
    yield draw('path', {class: `line ${name}`, d: line});
    yield draw('line', {class: 'base', x1: LEFT, x2: this.width - RIGHT, y1: top + LANE, y2: top + LANE});
    yield draw('text', {class: `label ${name}`, x: 0, y: top + LANE - 18}, name);
    yield draw('text', {class: 'value', x: 0, y: top + LANE - 3}, name === 'bytes' ? amount(whole) : whole.toLocaleString('en'));
  }

  show(time) {
    this.time = time;
    if (!this.head) return;
    const x = this.x(time).toFixed(1);
    this.head.setAttribute('x1', x);
    this.head.setAttribute('x2', x);
    this.knob.setAttribute('cx', x);
  }

  remove() {
    this.observer.disconnect();
  }
}

// Moments and amounts, as moments and sums.
function running(steps) {
  let sum = 0;
  return steps.map(([at, value]) => [at, (sum += value)]);
}

function total(sums, at) {
  const count = upTo(sums, at, ([moment]) => moment);
  return count ? sums[count - 1][1] : 0;
}

// How many come until a moment; they are in order.
function upTo(sorted, at, moment = (one) => one.at) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moment(sorted[middle]) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Round moments for an axis, at most so many.
function ticks(span, most) {
  const rough = span / Math.max(most, 2);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((one) => one >= rough);
  const found = [];
  for (let nth = 0; nth * step <= span; nth++) found.push(nth * step);
  return found;
}
