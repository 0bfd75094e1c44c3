import { compareMappings } from './mapping-change';
import type { MappingSource } from './mapping';

const ENGINE: MappingSource = { kind: 'group', id: 'g1', name: 'Engine Room' };
const DECK: MappingSource = { kind: 'group', id: 'g2', name: 'Deck' };
const BLUE: MappingSource = { kind: 'state', id: 's1', name: 'Blue' };
const SOURCES = [ENGINE, DECK, BLUE];

test('the same rules change nothing', () => {
  expect(compareMappings({ before: {}, after: {} }, SOURCES, undefined).changes).toEqual([]);
});

test('another template renames groups and moves nobody', () => {
  const after = { groups: { template: 'org-{group}' } };

  expect(compareMappings({ before: {}, after }, [DECK], undefined).changes).toEqual([
    { source: DECK, before: ['Deck'], after: ['org-Deck'], isRename: true },
  ]);
});

test('a denied group loses its remote group, and a state gets one', () => {
  const after = { groups: { deny: ['Deck'] }, states: { table: { Blue: ['friends'] } } };

  expect(compareMappings({ before: {}, after }, SOURCES, undefined).changes).toEqual([
    { source: DECK, before: ['Deck'], after: [], isRename: false },
    { source: BLUE, before: [], after: ['friends'], isRename: false },
  ]);
});

test('names are shown as the service takes them', () => {
  const clean = { maxLength: 8, clean: (name: string) => name.toLowerCase().replaceAll(' ', '_') };
  const after = { groups: { table: { Deck: ['All Hands On'] } } };

  expect(compareMappings({ before: {}, after }, [DECK], clean).changes).toMatchObject([
    { before: ['deck'], after: ['all_hand'] },
  ]);
});
