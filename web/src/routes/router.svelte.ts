import { parseRoute, type Route } from '../lib/platform/route';

/** Where the app is: the fragment of the address, and the ways to change it. */
export class Router {
  route = $state.raw<Route>(parseRoute(location.hash));

  start(): () => void {
    const follow = () => (this.route = parseRoute(location.hash));
    window.addEventListener('hashchange', follow);
    follow();
    return () => window.removeEventListener('hashchange', follow);
  }

  go(link: string): void {
    if (location.hash === link) return;
    history.pushState(null, '', link);
    this.route = parseRoute(link);
  }

  /** Leaves no trace in the history: for links with a secret in them, and for what is no place of its own. */
  replace(link: string): void {
    history.replaceState(null, '', link);
    this.route = parseRoute(link);
  }
}
