// The page: the list of all entries, with search and filters, and the one that is chosen.

const data = JSON.parse(byId('data').textContent);
const {groups, nothing} = data.page;
const entries = [];
for (const group of groups) {
  group.members = group.entries.map((entry, nth) => ({group, entry, recording: entry.problem ? null : data.interactions[entry.interaction], nth: entries.length + nth + 1}));
  entries.push(...group.members);
}
let player = null;

const TONES = [['well', 'Whole answers'], ['oddly', 'Ended otherwise'], ['failed', 'Errors and breaks']];

const tone = (entry) => (entry.recording ? entry.recording.tone : 'failed');
const model = (entry) => (entry.recording ? entry.recording.request.model : null);

function says(entry) {
  if (entry.entry.problem) return entry.entry.problem.message;
  const users = entry.recording.asked.filter(([kind]) => kind === 'user');
  return users.length ? users[users.length - 1][1] : entry.recording.title;
}

// All that is searched of an entry, in lower case; made when it is first asked for.
function words(entry) {
  if (entry.words === undefined) {
    const {recording, group} = entry;
    const found = [group.name, ...group.about.flat(), entry.entry.use];
    if (recording) {
      found.push(recording.title, recording.to, recording.request.client, recording.request.test, recording.ending, recording.request.body, recording.rest, ...recording.calls);
      found.push(recording.events.map((event) => event.said.map(([kind, text]) => (kind === 'text' || kind === 'thoughts' ? text : `\n${text}\n`)).join('')).join(''));
      if (recording.error) found.push(recording.error.message, recording.error.status);
    } else found.push(entry.entry.problem.message, ...entry.entry.problem.differences);
    entry.words = found.filter(Boolean).join('\n').toLowerCase();
  }
  return entry.words;
}

// -- the list ---------------------------------------------------------------------------------------------------

const filters = {};

function browser() {
  const search = make('input', {type: 'search', id: 'search', placeholder: 'Prompt, answer, test, error…', autocomplete: 'off'});
  const found = make('p', {id: 'found', class: 'quiet', role: 'status'});
  const chosen = [
    filter('tone', 'Outcome', TONES.filter(([name]) => entries.some((entry) => tone(entry) === name))),
    filter('model', 'Model', unique(entries.map(model)).map((name) => [name, name])),
    filter('use', 'In the run', unique(entries.map((entry) => entry.entry.use)).map((name) => [name, name])),
  ];
  const list = make('ol', {class: 'groups'}, ...groups.filter((group) => group.entries.length).map(groupItem));
  search.addEventListener('input', () => narrow(search.value, found));
  for (const select of chosen) select?.addEventListener('change', () => narrow(search.value, found));
  list.addEventListener('keydown', walk);
  byId('browse').append(
    make('div', {class: 'search'}, make('label', {for: 'search'}, 'Search'), search, make('div', {class: 'filters'}, ...chosen.filter(Boolean)), found),
    list);
  narrow('', found);
}

function filter(name, label, options) {
  if (options.length < 2) return null;
  const select = make('select', {}, make('option', {value: ''}, 'All'), ...options.map(([value, text]) => make('option', {value}, text)));
  filters[name] = select;
  return make('label', {}, make('span', {}, label), select);
}

const unique = (values) => [...new Set(values.filter(Boolean))].sort();

function groupItem(group) {
  group.element = make('li', {class: 'group'}, make('h2', {class: 'group-name', title: group.name}, group.name), make('ol', {}, ...group.members.map(item)));
  return group.element;
}

function item(entry) {
  const {recording} = entry;
  const under = recording
    ? [recording.request.model || recording.title, entry.entry.use, gap(recording.took), recording.events.length ? counted(recording.events.length, 'event') : '']
    : [entry.entry.use];
  entry.link = make('a', {href: `#${entry.nth}`, class: 'entry'},
    make('span', {class: `dot ${tone(entry)}`, 'aria-hidden': 'true'}),
    make('span', {class: 'entry-says'}, says(entry).slice(0, 160)),
    make('span', {class: 'entry-under'}, under.filter(Boolean).join(' · ')),
    recording && recording.tone !== 'well' ? make('span', {class: `entry-end ${recording.tone}`}, recording.ending) : null);
  entry.element = make('li', {}, entry.link);
  return entry.element;
}

function narrow(text, found) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (name, value) => !filters[name] || !filters[name].value || filters[name].value === value;
  let count = 0;
  for (const entry of entries) {
    const shown = holds('tone', tone(entry)) && holds('model', model(entry)) && holds('use', entry.entry.use) && wanted.every((word) => words(entry).includes(word));
    entry.element.hidden = !shown;
    count += shown ? 1 : 0;
  }
  for (const group of groups) if (group.element) group.element.hidden = group.members.every((entry) => entry.element.hidden);
  found.textContent = count === entries.length ? counted(count, 'entry', 'entries') : `${count} of ${counted(entries.length, 'entry', 'entries')}`;
}

// The arrow keys walk through the list.
function walk(event) {
  const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (!by || !event.target.matches('.entry')) return;
  const links = entries.filter((entry) => !entry.element.hidden).map((entry) => entry.link);
  const next = links[links.indexOf(event.target) + by];
  if (next) next.focus();
  event.preventDefault();
}

// -- the one that is chosen --------------------------------------------------------------------------------------

function choose(nth, focus) {
  const entry = entries[nth - 1];
  if (!entry) return;
  if (player) player.remove();
  player = null;
  for (const other of entries) other.link?.removeAttribute('aria-current');
  entry.link?.setAttribute('aria-current', 'true');
  const detail = byId('detail');
  detail.replaceChildren(...(entries.length > 1 ? [back()] : []), ...(entry.recording ? view(entry) : problem(entry)));
  document.body.classList.toggle('chosen', focus || entries.length === 1);
  entry.link?.scrollIntoView({block: 'nearest'});
  if (focus) {
    window.scrollTo(0, 0);
    detail.querySelector('h2').focus({preventScroll: true});
  }
}

function view(entry) {
  const {recording} = entry;
  player = new Player(recording);
  return [heading(entry), failure(recording), figures(recording), asked(recording), player.element, ...outcome(recording), events(recording, player)].filter((one) => one !== null);
}

// On a narrow screen the list and the chosen entry take turns.
function back() {
  const button = make('button', {type: 'button', class: 'back'}, 'All entries');
  button.addEventListener('click', () => {
    document.body.classList.remove('chosen');
    byId('browse').querySelector('[aria-current]')?.focus();
  });
  return button;
}

function start() {
  byId('count').textContent = entries.length ? counted(entries.filter((entry) => entry.recording).length, 'interaction') : '';
  if (!entries.length) {
    byId('columns').classList.add('single');
    byId('browse').hidden = true;
    byId('detail').append(make('p', {class: 'nothing'}, nothing));
    return;
  }
  if (entries.length > 1) browser();
  else {
    byId('browse').hidden = true;
    byId('columns').classList.add('single');
  }
  const given = Number(location.hash.slice(1));
  choose(entries[given - 1] ? given : 1, Boolean(entries[given - 1]));
  window.addEventListener('hashchange', () => choose(Number(location.hash.slice(1)), true));
}

start();
