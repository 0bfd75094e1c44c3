import type { NameRules } from '@muster/sdk';

/** The service takes small letters, digits and `. _ -`, at most 40 characters. */
export const exampleNames: NameRules = {
  maxLength: 40,
  clean: (name) =>
    name
      .normalize('NFKD')
      .toLowerCase()
      .replace(/\s+/g, '.')
      .replace(/[^a-z0-9._-]/g, '')
      .slice(0, 40),
};
