/** A named place in the code where a test can end the process, as `kill -9` would. */
export type Failpoint = (name: string) => void;

const noFailpoint: Failpoint = () => undefined;

/**
 * `name` or `name#3` (the third time it is passed). The process is killed with SIGKILL, so nothing is flushed, closed or
 * caught. Only for tests: it is off unless the environment names a place.
 */
function killAt(place: string): Failpoint {
  const [wanted = '', count = '1'] = place.split('#');
  let left = Number(count);
  return (name) => {
    if (name !== wanted) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

/** The failpoint that the configuration names; does nothing when it names none. */
export function failpointOf(place: string | undefined): Failpoint {
  return place === undefined ? noFailpoint : killAt(place);
}
