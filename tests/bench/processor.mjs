// Processor time of a living process, user and system together, in microseconds.
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';

const ticks_per_second = Number(execFileSync('getconf', ['CLK_TCK'], {encoding: 'utf8'}));

// From the text of /proc/<pid>/stat: the second field is a name in parentheses that may hold anything.
export function processor_us_in(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 1e6 / ticks_per_second;
}

export const processor_us = (pid) => processor_us_in(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
