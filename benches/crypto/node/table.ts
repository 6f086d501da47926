// The table of medians and ratios.

import { ROWS, type Measured, type Part, type Party, type Row } from './rows.ts';

/** Rounds in which all take turns. */
const ROUNDS = 150;
/** Milliseconds that one turn lasts, about: shorter than a scheduler's slice, so most turns are undisturbed. */
const TURN = 1;

/** How many times faster than a party each row has to be. */
export type Goals = Record<string, Partial<Record<Row, number>>>;

interface Series {
  row: Row;
  party: string;
  measured: Measured;
  count: number;
  /** Microseconds for one operation, one per round. */
  micros: number[];
}

/** Measures all rows of all parties in turns, prints them, and says which goals of the first party were missed. */
export async function compare(parties: [Party, ...Party[]], goals: Goals): Promise<void> {
  const series = await prepare(parties);
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of series) {
      one.micros.push(((await one.measured(one.count)) / one.count) * 1000);
    }
  }
  const [first, ...others] = parties;
  const heads = others.map((other) => other.name.padStart(11) + 'times'.padStart(8) + 'goal'.padStart(6));
  console.log(`\n${'microseconds, medians'.padEnd(43)}${first.name.padStart(10)}${heads.join('')}`);
  const missed: string[] = [];
  const deviations: number[] = [];
  for (const row of ROWS) {
    const find = (party: string): Series | undefined =>
      series.find((one) => one.row === row && one.party === party);
    const own = find(first.name);
    if (!own) {
      continue;
    }
    let line = row.padEnd(43) + median(own.micros).toFixed(2).padStart(10);
    for (const other of others) {
      const theirs = find(other.name);
      if (!theirs) {
        line += '–'.padStart(11) + '–'.padStart(8) + '–'.padStart(6);
        continue;
      }
      const ratios = theirs.micros.map((value, round) => value / (own.micros[round] ?? Number.NaN));
      const ratio = median(ratios);
      deviations.push(...ratios.map((value) => Math.abs(value / ratio - 1)));
      const goal = goals[other.name]?.[row];
      line += median(theirs.micros).toFixed(1).padStart(11) + ratio.toFixed(2).padStart(8);
      line += (goal === undefined ? '–' : goal.toString()).padStart(6);
      if (goal !== undefined && ratio < goal) {
        missed.push(`${row}: ${ratio.toFixed(2)} times ${other.name}, not ${goal}`);
      }
    }
    console.log(line);
  }
  console.log(
    `noise: ${(median(deviations) * 100).toFixed(1)} % (median deviation of a ratio from its median)`,
  );
  for (const row of ROWS) {
    const own = series.find((one) => one.row === row && one.party === first.name);
    if (own) {
      await profile(row, median(own.micros), first.parts ?? []);
    }
  }
  console.log(missed.length === 0 ? 'every goal is met' : `missed:\n  ${missed.join('\n  ')}`);
}

/** Says where a row's time goes, for those that the parts name. */
async function profile(row: Row, micros: number, parts: Part[]): Promise<void> {
  const words: string[] = [];
  let rest = micros;
  for (const { name, times, measured } of parts) {
    const count = times[row];
    if (count === undefined) {
      continue;
    }
    const spent = count * (await alone(measured));
    rest -= spent;
    words.push(`${count} × ${name} ${spent.toFixed(2)} (${percent(spent, micros)})`);
  }
  if (words.length > 0) {
    console.log(`${row}: ${words.join(', ')}, rest ${rest.toFixed(2)} (${percent(rest, micros)})`);
  }
}

/** Microseconds of one part, the median of some turns. */
async function alone(measured: Measured): Promise<number> {
  const count = await turn(measured);
  const micros: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    micros.push(((await measured(count)) / count) * 1000);
  }
  return median(micros);
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(0)} %`;
}

/** Warms everything up, and finds out how many operations fill one turn. */
async function prepare(parties: Party[]): Promise<Series[]> {
  const series: Series[] = [];
  for (const party of parties) {
    for (const row of ROWS) {
      const measured = party.rows[row];
      if (!measured) {
        continue;
      }
      series.push({ row, party: party.name, measured, count: await turn(measured), micros: [] });
    }
  }
  return series;
}

/** Warms one up and tells how many of its operations fill one turn. */
async function turn(measured: Measured): Promise<number> {
  let count = 1;
  let spent = 0;
  // The first measurements run in the interpreter and in V8's baseline compiler.
  for (let warm = 0; warm < 150 && spent < 300;) {
    const last = await measured(count);
    spent += last;
    if (last < TURN) {
      count *= 2;
    } else {
      warm++;
    }
  }
  const last = await measured(count);
  return Math.max(1, Math.round((count * TURN) / Math.max(last, 0.01)));
}

function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
