// Writes a fictional organisation, the same at every run: node sample/make-organisation.mjs [FILE]
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PEOPLE = 200;

const GIVEN = (
  'Amara Bao Chiara Dmitri Elif Farid Greta Hiroshi Ingrid Jamal Keiko Lars Mei Nadia Olu Priya Quentin Rosa Samir Tuuli ' +
  'Umar Valentina Wei Ximena Yusuf Zofia Åsa Børge Çelik Đorđe Émile Ħarry Íris Łukasz Niño Ömer Şirin Þóra Živa Anaïs'
).split(' ');

const FAMILY = (
  "Adeyemi Bergström Castellanos D'Angelo Eriksen Fernández Grünwald Hakimi Ito Jankowski Kowalczyk Lindqvist Moreau Nakamura O'Brien " +
  'Petrović Qureshi Rossi Sørensen Takahashi Ünal Vasquez Wójcik Xu Yıldız Zhang Abdi Baptiste Čapek Demir Eze Ferrari García Horvat ' +
  'Ivanova Jónsdóttir Kaya Löfgren Müller Nguyen'
).split(' ');

const TEAMS = [
  'Engine Room',
  'Navigation',
  'Kitchen',
  'Workshop',
  'Library',
  'Observatory',
  'Garden',
  'Harbour',
  'Print Shop',
  'Radio',
  'Infirmary',
  'Archive',
  'Music',
  'Carpentry',
  'Bakery',
  'Post Office',
];

const CIRCLES = [
  'all-hands',
  'Admins',
  'Night Shift',
  'First Aid',
  'Fire Wardens',
  'Équipe Été',
  '研究会',
  "Captain's Table",
  'Apprentices, second year',
  'Book "Club"',
  'Newcomers',
  'Committee for the Preservation of Very Long Names and of Everything That Comes With Them, North',
  'Committee for the Preservation of Very Long Names and of Everything That Comes With Them, South',
  'Guests of the House',
];

/** A small generator of numbers in [0, 1), always the same sequence (mulberry32). */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const next = numbers(1815);
const pick = (list) => list[Math.floor(next() * list.length)];

/** Letters that fold to plain ones; what is left over goes. */
function plain(text) {
  const folded = text.replace(
    /[øØđĐłŁħĦþÞıß]/g,
    (letter) =>
      ({ ø: 'o', Ø: 'o', đ: 'd', Đ: 'd', ł: 'l', Ł: 'l', ħ: 'h', Ħ: 'h', þ: 'th', Þ: 'th', ı: 'i', ß: 'ss' })[letter],
  );
  return folded.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

function stateOf(index) {
  if (index % 10 < 7) return 'Member';
  return index % 10 < 9 ? 'Blue' : undefined;
}

function groupsOf(index, team) {
  const groups = new Set(['all-hands', team]);
  if (index % 10 === 9) return ['Guests of the House'];
  for (const circle of CIRCLES.slice(2, 13)) if (next() < 0.12) groups.add(circle);
  if (index % 25 === 3) groups.add('Admins');
  return [...groups];
}

/** People whose names are hard on purpose, beside Ada, whom the guide uses. */
const SPECIAL = [
  {
    externalId: 'p-0001',
    username: 'ada',
    displayName: 'Ada Lovelace',
    state: 'Member',
    team: 'Engine Room',
    groups: ['all-hands', 'Engine Room', 'Admins'],
  },
  { username: "niamh.o'brien", displayName: 'Niamh O\'Brien "Nia"' },
  { username: '渡辺.花', displayName: '渡辺 花' },
  { username: 'JOSÉ.Álvarez', displayName: 'José Álvarez-Müller' },
  {
    username: 'wolfeschlegelsteinhausenbergerdorff.maximilian.alexander.theodor.von.und.zu.hohenfels',
    displayName: 'Maximilian Alexander Theodor von und zu Hohenfels-Wolfeschlegelsteinhausenbergerdorff',
  },
  { username: 'robert; drop table students', displayName: "Robert'); DROP TABLE students;--" },
  { username: 'Pat_Public', displayName: 'Pat  Public' },
  { username: 'x', displayName: 'X' },
];

function people() {
  const taken = new Set();
  return Array.from({ length: PEOPLE }, (_unused, index) => {
    const special = SPECIAL[index] ?? {};
    const [given, family] = [pick(GIVEN), pick(FAMILY)];
    const team = special.team ?? pick(TEAMS);
    const base = special.username ?? `${plain(given)}.${plain(family).replace(/[^a-z]/g, '')}`;
    let username = base;
    for (let attempt = 2; taken.has(username); attempt += 1) username = `${base}${attempt}`;
    taken.add(username);
    const address = plain(username).replace(/[^a-z0-9.]+/g, '');
    return {
      externalId: `p-${String(index + 1).padStart(4, '0')}`,
      username,
      displayName: special.displayName ?? `${given} ${family}`,
      email: `${/^[a-z]/.test(address) ? address.slice(0, 60) : 'hana.watanabe'}@muster.example`,
      active: index === 0 || index % 23 !== 11,
      state: special.state ?? stateOf(index),
      attributes: { team, floor: 1 + Math.floor(next() * 6) },
      groups: special.groups ?? groupsOf(index, team),
    };
  });
}

/** JSON's strings are YAML's as well, so that no name needs thought. */
const text = (value) =>
  /^[A-Za-z][\w .@-]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value)
    ? value.trim()
    : JSON.stringify(value);

function personLines(person) {
  return [
    `  - externalId: ${person.externalId}`,
    `    username: ${text(person.username)}`,
    `    displayName: ${text(person.displayName)}`,
    `    email: ${text(person.email)}`,
    ...(person.active ? [] : ['    active: false']),
    ...(person.state === undefined ? [] : [`    state: ${person.state}`]),
    `    attributes: { team: ${text(person.attributes.team)}, floor: ${person.attributes.floor} }`,
    `    groups: [${person.groups.map((name) => (/[,[\]{}]/.test(name) ? JSON.stringify(name) : text(name))).join(', ')}]`,
  ];
}

const lines = [
  '# A fictional organisation to try Muster with. Change something, run `npx muster import sample/organisation.yaml` and watch.',
  '# Made by sample/make-organisation.mjs; who is not in this file is deactivated by an import.',
  'groups:',
  ...[...TEAMS, ...CIRCLES].map((name) => `  - name: ${text(name)}`),
  'users:',
  ...people().flatMap(personLines),
];

writeFileSync(process.argv[2] ?? fileURLToPath(new URL('organisation.yaml', import.meta.url)), `${lines.join('\n')}\n`);
