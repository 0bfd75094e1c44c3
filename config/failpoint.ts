/** A named place in the code where a test can end the process, as `kill -9` would. `subject` is the user concerned, if it is one. */
export type Failpoint = (name: string, subject?: string) => void;

const noFailpoint: Failpoint = () => undefined;

/** The failpoint that the configuration names; does nothing when it names none. */
export function failpointOf(place: string | undefined): Failpoint {
  return place === undefined ? noFailpoint : killAt(place);
}

/**
 * `name`, `name#3` (the third time it is passed), `name@id` (only for this user), or both. The process is killed with
 * SIGKILL, so nothing is flushed, closed or caught. Only for tests: it is off unless the environment names a place.
 */
function killAt(place: string): Failpoint {
  const [, wanted, id, count] = /^([^@#]+)(?:@([^#]+))?(?:#(\d+))?$/.exec(place) ?? [];
  if (wanted === undefined) throw new Error(`"${place}" is no failpoint: name, name#3, name@id or name@id#3`);
  let left = Number(count ?? 1);
  return (name, subject) => {
    if (name !== wanted || (id !== undefined && subject !== id)) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
