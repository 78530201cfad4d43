// What is known of one entry besides its answer: who asked what, the events, calls, usage, problems.

const BATCH = 200;

function heading(entry) {
  const {recording, group} = entry;
  const {request} = recording;
  const name = request.model && request.action ? request.model : recording.title;
  const under = request.model && request.action ? `${request.method} ${request.action}` : '';
  const marks = make('p', {class: 'badges'}, badge(recording.ending, recording.tone));
  const {response} = recording;
  if (response && response.status < 400) marks.append(badge(`HTTP ${response.status}`, 'plain'));
  if (entry.entry.use) marks.append(badge(entry.entry.use, 'plain'));
  const about = [['to', recording.to], ['client', request.client], ['in', group.name], ...group.about, ['by the test', request.test]];
  return make('header', {class: 'heading'},
    make('h2', {tabindex: '-1'}, name),
    make('p', {class: 'under'}, under),
    marks,
    terms(about.filter(([, value]) => value), 'facts'),
    notes([...group.notes, ...recording.notes]));
}

function badge(text, tone) {
  return make('span', {class: `badge ${tone}`}, text);
}

function notes(lines) {
  return lines.length ? make('p', {class: 'notes'}, lines.map((line) => line.replace(/^#\s*/, '')).join('\n')) : null;
}

function failure({error}) {
  if (!error) return null;
  const name = [error.code, error.status].filter((one) => one !== null).join(' ');
  return make('div', {class: 'callout'}, make('strong', {}, name || 'Error'), longText(error.message));
}

function figures(recording) {
  return terms(recording.figures, 'figures');
}

function asked(recording) {
  const {request} = recording;
  const said = recording.asked.map(([kind, text]) => make('div', {class: `asked ${kind === 'user' || kind === 'model' ? 'turn' : 'setting'}`}, make('div', {class: 'kind'}, kind), longText(text)));
  if (!said.length) said.push(make('p', {class: 'quiet'}, request.body ? 'The body is not JSON.' : 'The request has no body.'));
  return section('Request', 'request', ...said, folded('Headers and body', () => [
    headers(`${request.method} ${request.url}`, request.headers),
    request.body ? code(recording.asked.length ? indented(request.body) : request.body) : '',
  ]));
}

function headers(title, pairs) {
  return make('div', {class: 'headers'}, make('p', {class: 'url'}, title), terms(pairs, 'pairs'));
}

function outcome(recording) {
  const {calls, usage, response} = recording;
  const found = [];
  if (calls.length) found.push(section(calls.length === 1 ? 'Function call' : 'Function calls', 'calls', make('ol', {}, ...calls.map((call) => make('li', {}, longText(call, {class: 'text mono'}))))));
  if (usage.length) found.push(section('Usage', 'usage', terms(usage.map(([name, value]) => [spelledOut(name), value]), 'pairs')));
  if (response) found.push(section('Response', 'response', folded(`Headers, after ${gap(response.at)}`, () => [headers(`HTTP ${response.status}`, response.headers)])));
  return found;
}

// "promptTokenCount" as "prompt tokens".
function spelledOut(name) {
  const words = name.replace(/_/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.replace(/ token count$/, ' tokens');
}

// The events, or the chunks, in rows that are built as they come into sight.
function rows(items, row, name, what) {
  const list = make('ol', {class: `rows ${name}`});
  const more = make('button', {type: 'button', class: 'more'});
  const element = make('div', {}, list, more);
  let built = 0;
  const extend = (focus) => {
    const first = built;
    list.append(...items.slice(built, built + BATCH).map((item, nth) => row(item, first + nth)));
    built = Math.min(built + BATCH, items.length);
    more.hidden = built >= items.length;
    more.textContent = `Show more ${what} (${(items.length - built).toLocaleString('en')} left)`;
    if (focus) list.children[first].querySelector('summary')?.focus();
  };
  more.addEventListener('click', () => extend(true));
  new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && !more.hidden && extend(false), {rootMargin: '600px'}).observe(more);
  extend(false);
  return element;
}

function events(recording, player) {
  if (!recording.events.length) return null;
  return section('Events', 'events',
    make('p', {class: 'quiet'}, `${counted(recording.events.length, 'event')}. Open one to see its JSON and its bytes as they came.`),
    rows(recording.events, (event, nth) => eventRow(event, nth, player), 'of-events', 'events'),
    folded(`${counted(recording.chunks.length, 'chunk')}, as the bytes came`, () => [rows(recording.chunks, chunkRow(recording), 'of-chunks', 'chunks')]));
}

function eventRow(event, nth, player) {
  const alarming = event.said.some(([kind]) => ALARMING.includes(kind));
  const says = event.said.map(([kind, text]) => (kind === 'text' ? text : `${kind}: ${text}`)).join(' · ').slice(0, 200) || 'usage only';
  const summary = make('summary', {},
    make('span', {class: 'nth'}, nth + 1),
    make('span', {class: 'at'}, seconds(event.at)),
    make('span', {class: 'gap'}, `+${gap(event.gap)}`),
    make('span', {class: 'size'}, amount(event.bytes)),
    make('span', {class: alarming ? 'says alarming' : 'says'}, says));
  const details = make('details', {}, summary);
  whenOpened(details, () => [eventDetails(event, nth, player)]);
  return make('li', {}, details);
}

function eventDetails(event, nth, player) {
  const json = event.raw.length === 3 ? event.raw[1] : event.json;
  const raw = event.raw.join('');
  const there = make('button', {type: 'button', class: 'quiet-button'}, 'Show the answer at this moment');
  there.addEventListener('click', () => {
    player.pause();
    player.seek(event.at);
    player.scrubber.focus();
  });
  return make('div', {class: 'open-event'},
    there,
    json === null ? make('p', {class: 'quiet'}, 'This frame is not JSON.') : make('div', {}, make('h4', {}, `Event ${nth + 1} as JSON`), code(indented(json))),
    make('h4', {}, 'As it came'), code(raw));
}

function chunkRow({chunks, response}) {
  return ([at, size, begins], nth) => {
    const before = nth ? chunks[nth - 1][0] : response ? response.at : 0;
    return make('li', {class: 'chunk'},
      make('span', {class: 'nth'}, nth + 1),
      make('span', {class: 'at'}, seconds(at)),
      make('span', {class: 'gap'}, `+${gap(Math.max(at - before, 0))}`),
      make('span', {class: 'size'}, amount(size)),
      make('code', {class: 'says'}, begins));
  };
}

function problem(entry) {
  const {problem: told, use} = entry.entry;
  const differences = told.differences.map((line) => {
    const place = line.indexOf(': ') + 1;
    return make('li', {}, make('strong', {}, line.slice(0, place)), line.slice(place));
  });
  return [
    make('header', {class: 'heading'},
      make('h2', {tabindex: '-1'}, use === 'missed' ? 'A request that nothing answered' : 'Something went wrong'),
      make('p', {class: 'badges'}, badge(use, 'failed')),
      terms([['in', entry.group.name], ...entry.group.about], 'facts'),
      notes(entry.group.notes)),
    make('div', {class: 'callout'}, longText(told.message)),
    differences.length ? section('Differences', 'differences', make('p', {class: 'quiet'}, 'From the nearest recording to the request.'), make('ul', {}, ...differences)) : null,
    !differences.length && told.suggestion ? section('What was closest', 'closest', longText(told.suggestion)) : null,
    told.hint ? section('What to do', 'hint', longText(told.hint), make('p', {class: 'quiet'}, `More: gemini-replay explain ${told.topic}`)) : null,
  ].filter((one) => one !== null);
}
