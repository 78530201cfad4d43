// The deck: the answer streams at its recorded rhythm, along the timeline.

const SPEEDS = ['0.25', '0.5', '1', '2', '4', '8', '16'];
const LONGEST_STEP = 5;

class Player {
  constructor(recording) {
    this.recording = recording;
    this.answer = new Answer();
    this.timeline = new Timeline(recording, (time) => this.seek(time));
    this.shown = -1;
    this.speed = 1;
    this.playing = false;
    this.button = make('button', {type: 'button', class: 'play', onclick: () => this.toggle()});
    this.scrubber = make('input', {type: 'range', class: 'scrubber', min: 0, max: recording.took, step: 0.001, 'aria-label': 'Position', oninput: () => this.seek(Number(this.scrubber.value))});
    this.clock = make('span', {class: 'clock'});
    const speeds = SPEEDS.map((one) => make('option', {value: one, selected: one === '1'}, `${one}×`));
    this.chooser = make('select', {onchange: () => this.setSpeed(Number(this.chooser.value))}, ...speeds);
    const controls = make('div', {class: 'controls', role: 'group', 'aria-label': 'Player'}, this.button, this.scrubber, this.clock, make('label', {class: 'speed'}, make('span', {}, 'Speed'), ' ', this.chooser));
    this.element = section('Answer', 'deck', this.timeline.element, controls, this.answer.element);
    this.element.addEventListener('keydown', (event) => this.press(event));
    this.show(recording.took);
    this.label();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.time >= this.recording.took) this.show(0);
    this.playing = true;
    this.anchor();
    this.label();
    announce('Playing');
    this.frame = requestAnimationFrame(() => this.tick());
  }

  pause() {
    this.stop();
    announce(`Paused at ${seconds(this.time)}`);
  }

  stop() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.label();
  }

  // The moment of the answer that belongs to this moment of the page's clock.
  anchor() {
    this.since = performance.now();
    this.from = this.time;
  }

  tick() {
    const time = this.from + ((performance.now() - this.since) / 1000) * this.speed;
    this.show(time);
    if (time < this.recording.took) this.frame = requestAnimationFrame(() => this.tick());
    else {
      this.stop();
      announce(`The answer has ended: ${this.recording.ending}`);
    }
  }

  seek(time) {
    this.show(time);
    this.anchor();
  }

  setSpeed(speed) {
    this.speed = speed;
    this.anchor();
  }

  show(time) {
    const {took, events} = this.recording;
    this.time = Math.min(Math.max(time, 0), took);
    const ended = this.time >= took;
    const count = upTo(events, this.time) + (ended ? 1 : 0);
    if (count !== this.shown) this.say(count);
    this.scrubber.value = this.time;
    this.scrubber.setAttribute('aria-valuetext', `${seconds(this.time)} of ${seconds(took)}`);
    const clock = `${seconds(this.time)} / ${seconds(took)}`;
    if (this.clock.textContent !== clock) this.clock.textContent = clock;
    this.timeline.show(this.time);
  }

  // The first `count` events, and then the end.
  say(count) {
    const {events, last, ending, rest} = this.recording;
    if (count < this.shown || this.shown <= 0) {
      this.answer.clear();
      this.shown = 0;
    }
    const follows = this.playing && this.atBottom();
    for (const event of events.slice(this.shown, count)) this.answer.add(event.said);
    if (count > events.length) {
      this.answer.add(last);
      if (!events.length) {
        this.answer.clear();
        if (rest) this.answer.body.append(code(rest));
        else this.answer.say(`No answer: ${ending}`);
      } else if (this.recording.end !== 'eof') this.answer.add([['ended by', this.recording.end]]);
    } else if (!count) this.answer.say(events.length ? 'Waiting for the first event…' : 'Waiting for the answer…');
    this.shown = count;
    if (follows) this.answer.element.scrollTop = this.answer.element.scrollHeight;
  }

  atBottom() {
    const {scrollHeight, scrollTop, clientHeight} = this.answer.element;
    return scrollHeight - scrollTop - clientHeight < 60;
  }

  label() {
    this.button.textContent = this.playing ? 'Pause' : 'Play';
    this.button.classList.toggle('playing', this.playing);
  }

  // Keys count while the focus is in the deck, unless the control that has it uses them.
  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target;
    const uses = {BUTTON: [' '], SELECT: [' ', '+', '-'], INPUT: []}[target.tagName] || [];
    if (uses.includes(event.key)) return;
    if (event.key === ' ' || event.key === 'k') this.toggle();
    else if (event.key === '+' || event.key === '=') this.faster(1);
    else if (event.key === '-') this.faster(-1);
    else if (target === this.scrubber && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) this.jump(event.key === 'ArrowLeft' ? -1 : 1);
    else return;
    event.preventDefault();
  }

  jump(direction) {
    const step = Math.min(LONGEST_STEP, this.recording.took / 50);
    this.seek(this.time + direction * step);
  }

  faster(direction) {
    const now = SPEEDS.indexOf(this.chooser.value);
    this.chooser.value = SPEEDS[Math.min(Math.max(now + direction, 0), SPEEDS.length - 1)];
    this.setSpeed(Number(this.chooser.value));
    announce(`Speed ${this.chooser.value}`);
  }

  remove() {
    this.stop();
    this.timeline.remove();
  }
}
