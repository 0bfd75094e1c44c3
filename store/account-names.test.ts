import { addAccount, addService, addUser, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { freeNames, markNameTaken, reserveNames } from './account-names';
import type { NameRequest } from './account-names';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const LOWER = { maxLength: 8, clean: (name: string) => name.toLowerCase().replace(/[^a-z0-9-]/g, '') };

async function person(serviceId: string): Promise<string> {
  const userId = await addUser(store.db);
  await addAccount(store.db, { serviceId, userId });
  return userId;
}

async function reserve(request: Omit<NameRequest, 'rules'>, db = store.db): Promise<string | undefined> {
  const [name] = await reserveNames(db, [{ ...request, rules: LOWER }]);
  return name;
}

describe('remote names', () => {
  test('a name is cleaned, reserved, and the same on every retry', async () => {
    const serviceId = await addService(store.db);
    const userId = await person(serviceId);

    expect(await reserve({ serviceId, userId, name: 'Ada L.' })).toBe('adal');
    expect(await reserve({ serviceId, userId, name: 'Ada L.' })).toBe('adal');
  });

  test('somebody else with the same name gets the next one', async () => {
    const serviceId = await addService(store.db);

    expect(await reserve({ serviceId, userId: await person(serviceId), name: 'ada' })).toBe('ada');
    expect(await reserve({ serviceId, userId: await person(serviceId), name: 'ada' })).toBe('ada-2');
    expect(await reserve({ serviceId, userId: await person(serviceId), name: 'ada' })).toBe('ada-3');
  });

  test('two who reserve the same name at the same time get two names', async () => {
    for (let round = 0; round < 10; round += 1) {
      const serviceId = await addService(store.db);
      const [first, second] = [await person(serviceId), await person(serviceId)];

      const names = await Promise.all([
        reserve({ serviceId, userId: first, name: 'ada' }),
        reserve({ serviceId, userId: second, name: 'ada' }, store.other),
      ]);

      expect(names.toSorted()).toEqual(['ada', 'ada-2']);
    }
  });

  test('looking whether a name is free, and taking it later, gives it to both', async () => {
    // The negative control: without the reservation two may look at the same time.
    const serviceId = await addService(store.db);
    const look = `select from account_names where service_id = $1 and name = 'ada'`;

    const looked = await Promise.all([store.db.query(look, [serviceId]), store.other.query(look, [serviceId])]);

    expect(looked.map((found) => found.rowCount)).toEqual([0, 0]);
  });

  test('a name stays reserved until its removal is confirmed', async () => {
    const serviceId = await addService(store.db);
    const leaver = await person(serviceId);
    await reserve({ serviceId, userId: leaver, name: 'ada' });
    await store.db.query(
      `update accounts set status = 'removed', remote_id = null where service_id = $1 and user_id = $2`,
      [serviceId, leaver],
    );
    await store.db.query(`delete from users where id = $1`, [leaver]);
    const newcomer = await person(serviceId);

    expect(await reserve({ serviceId, userId: newcomer, name: 'ada' })).toBe('ada-2');
    await freeNames(store.db, { serviceId, userId: leaver });
    expect(await reserve({ serviceId, userId: await person(serviceId), name: 'ada' })).toBe('ada');
  });

  test('a rename keeps the old name until it is confirmed', async () => {
    const serviceId = await addService(store.db);
    const userId = await person(serviceId);
    await reserve({ serviceId, userId, name: 'ada' });
    await reserve({ serviceId, userId, name: 'grace' });
    const other = await person(serviceId);

    expect(await reserve({ serviceId, userId: other, name: 'ada' })).toBe('ada-2');
    await freeNames(store.db, { serviceId, userId, keep: 'grace' });
    await freeNames(store.db, { serviceId, userId: other });
    expect(await reserve({ serviceId, userId: other, name: 'ada' })).toBe('ada');
    expect(await reserve({ serviceId, userId: other, name: 'grace' })).toBe('grace-2');
  });

  test('a name that a stranger has at the far side is not tried again', async () => {
    const serviceId = await addService(store.db);
    const userId = await person(serviceId);
    await reserve({ serviceId, userId, name: 'ada' });

    await markNameTaken(store.db, serviceId, 'ada');

    expect(await reserve({ serviceId, userId, name: 'ada' })).toBe('ada-2');
    expect(await reserve({ serviceId, userId: await person(serviceId), name: 'ada' })).toBe('ada-3');
  });

  test('the same name may be had on another service', async () => {
    const [first, second] = [await addService(store.db), await addService(store.db)];
    const userId = await person(first);
    await reserve({ serviceId: first, userId, name: 'ada' });

    expect(await reserve({ serviceId: second, userId: await person(second), name: 'ada' })).toBe('ada');
  });

  test('a suffix fits into the longest allowed name', async () => {
    const serviceId = await addService(store.db);
    await reserve({ serviceId, userId: await person(serviceId), name: 'abcdefghij' });

    expect(await reserve({ serviceId, userId: await person(serviceId), name: 'abcdefghij' })).toBe('abcdef-2');
  });

  test('what cannot become a name is refused', async () => {
    const serviceId = await addService(store.db);

    expect(await reserve({ serviceId, userId: await person(serviceId), name: '…' })).toBeUndefined();
  });
});
