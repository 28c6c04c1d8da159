import { describe, expect, test } from 'vitest';
import { VERBS } from '../../src/cli/verbs.ts';
import { runCli as run } from '../helpers/run-cli.ts';

describe('the command line', () => {
  test('lists its verbs on --help and exits 0, and without a verb exits 2', async () => {
    const help = await run('--help');
    expect(help.code).toBe(0);
    for (const { name } of VERBS) expect(help.out).toContain(name);
    expect((await run()).code).toBe(2);
  });

  test('names the verbs when it does not know one, and exits 2', async () => {
    const { code, err } = await run('biuld');
    expect(code).toBe(2);
    expect(err).toMatch(/expected a verb, one of build, .*; got "biuld"/);
  });

  test.each(VERBS.map((verb) => verb.name))('%s --help tells its usage and options', async (verb) => {
    const { code, out } = await run(verb, '--help');
    expect(code).toBe(0);
    expect(out).toContain(`usage: twinroute ${verb}`);
    expect(out).toContain('--json');
  });

  test.each(VERBS.map((verb) => verb.name))('%s without arguments is wrong usage: exit 2 and how to use it', async (verb) => {
    const { code, err, out } = await run(verb);
    expect(code).toBe(2);
    expect(err).toContain(`usage: twinroute ${verb}`);
    expect(out).toBe('');
  });

  test.each([
    ['an unknown option', ['inspect', 'packs/x', '--fast'], 2, /--fast/],
    ['a port that is no number', ['origin', 'packs/x', '--port', 'http'], 2, /flags: port: Invalid input: expected number/],
    [
      'a split that does not exist',
      ['eval', 'packs/x', '--data', '/nowhere', '--split', 'dev'],
      2,
      /--split: expected train, validation, test, got "dev"/,
    ],
    [
      'task and mix together',
      ['predict', 'packs/x', '--text', 'hi', '--task', 'a', '--mix', '{}'],
      2,
      /expected --task or --mix, got both/,
    ],
    ['a mix that is not JSON', ['predict', 'packs/x', '--text', 'hi', '--mix', 'a=1'], 2, /--mix: expected JSON/],
    ['a pack that is not there', ['inspect', 'packs/nowhere'], 1, /packs\/nowhere: expected a folder, got nothing/],
    ['a folder that is no pack', ['inspect', 'src'], 1, /expected a pack, got a folder without manifest.json/],
    ['a config that is not there', ['build', 'nowhere.yaml', '--out', 'packs/never'], 1, /nowhere.yaml/],
  ])('says what is wrong with %s', async (_title, args, code, message) => {
    const result = await run(...args);
    expect(result).toMatchObject({ code, out: '' });
    expect(result.err).toMatch(message);
  });

  test('--json says it in the one error shape, on stdout', async () => {
    const { code, out } = await run('inspect', 'packs/nowhere', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ error: { code: 'not_found', message: 'packs/nowhere: expected a folder, got nothing' } });
  });
});
