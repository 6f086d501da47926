/** What a browser calls itself, in words for a list of devices: "Firefox on Android". */

interface Brands {
  brands: readonly { brand: string }[];
  platform: string;
}
export type Agent = Pick<Navigator, 'userAgent'> & { userAgentData?: Brands };

/** In this order, since each of them also claims to be some of those behind it. */
const BROWSERS: readonly [pattern: RegExp, name: string][] = [
  [/Edg(e|A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/SamsungBrowser\//, 'Samsung Internet'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chromium\//, 'Chromium'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: readonly [pattern: RegExp, name: string][] = [
  [/Android/, 'Android'],
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/CrOS|Chrome ?OS/, 'ChromeOS'],
  [/Windows/, 'Windows'],
  [/[Mm]ac ?OS|Macintosh/, 'macOS'],
  [/Linux/, 'Linux'],
];
const BRANDS: Record<string, string> = {
  'Microsoft Edge': 'Edge',
  Opera: 'Opera',
  'Samsung Internet': 'Samsung Internet',
  Brave: 'Brave',
  'Google Chrome': 'Chrome',
  Chromium: 'Chromium',
};

/** A sensible name for this device, until somebody gives it a better one. */
export function suggestedName(agent: Agent = navigator): string {
  const browser = brandOf(agent.userAgentData) ?? match(BROWSERS, agent.userAgent) ?? 'Browser';
  const system = match(SYSTEMS, agent.userAgentData?.platform ?? '') ?? match(SYSTEMS, agent.userAgent);
  return system === null ? browser : `${browser} on ${system}`;
}

function brandOf(data: Brands | undefined): string | null {
  const told = data?.brands.map(({ brand }) => brand) ?? [];
  const known = Object.keys(BRANDS).find((brand) => told.includes(brand));
  return known === undefined ? null : (BRANDS[known] ?? null);
}

function match(known: readonly [RegExp, string][], text: string): string | null {
  return known.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}
