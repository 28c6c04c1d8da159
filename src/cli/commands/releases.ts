// `twinroute releases`: what was published, newest first: the audit log.

import { exactly } from '../options.ts';
import { EDGE_OPTIONS, openReleases } from '../publish/releases-client.ts';
import { table } from '../table.ts';
import type { Verb } from '../verb.ts';

/** The verb `releases`. */
export const releases: Verb = {
  name: 'releases',
  summary: 'lists what was published on an edge: when, by whom, why',
  usage: '--edge URL',
  options: EDGE_OPTIONS,
  async run(positionals, values, io, json) {
    exactly(positionals, 0, 'no arguments');
    const { head: _head, ...answer } = await openReleases(values, io.env).list();
    if (json) {
      io.out(JSON.stringify(answer));
      return;
    }
    const rows = answer.history.map(({ version, received_ms: receivedMs, action, restores, configs, by, kid, reason }) => [
      String(version),
      new Date(receivedMs).toISOString(),
      restores === undefined ? action : `${action} to ${restores}`,
      configs.map(({ config }) => config).join(' '),
      `${by} (${kid})`,
      reason,
    ]);
    io.out(table(['version', 'when', 'what', 'configs, the default first', 'by', 'why'], rows));
    io.log(`deployed: ${answer.deployed.map(({ config, name }) => `${name} ${config}`).join(', ')}`);
  },
};
