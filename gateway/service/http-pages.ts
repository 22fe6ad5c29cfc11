import { createHash } from 'node:crypto';

/** A page that stands in for the dashboard: what happened, and what to do. */
export interface PlainPage {
  readonly status: number;
  readonly title: string;
  readonly what: string;
  readonly todo: string;
}

const newLink =
  'Run “fieldgate link” with the same --data on the machine of the gateway: it prints a new link. Open that link here. ' +
  'Each link is good for one browser.';

export const pages = {
  notSignedIn: {
    status: 401,
    title: 'This browser is not signed in',
    what: 'The dashboard opens with the link that Fieldgate printed when it started.',
    todo: `Open that link, with its token, in this browser. If it was used already: ${newLink}`,
  },
  tokenSpent: {
    status: 401,
    title: 'This link was used already',
    what: 'The token in it was spent when the link was first opened, in this browser or in another, or it belongs to an earlier run.',
    todo: newLink,
  },
  wrongHost: {
    status: 421,
    title: 'Fieldgate does not answer to this name',
    what: 'The address in the browser is not one that this gateway was told about.',
    todo: 'Use the address that Fieldgate printed, or name this one in allowedHosts of its configuration.',
  },
  wrongOrigin: {
    status: 403,
    title: 'Another page asked for this',
    what: 'The dashboard is used only from its own page.',
    todo: 'Open the dashboard itself.',
  },
  notFound: {
    status: 404,
    title: 'There is no such page',
    what: 'The dashboard has nothing at this address.',
    todo: 'Go to the start of the dashboard: /',
  },
  failed: {
    status: 500,
    title: 'The dashboard could not answer',
    what: 'The gateway itself goes on: devices and messages are not touched by this.',
    todo: 'Try again. The log of the gateway says what happened.',
  },
} as const satisfies Record<string, PlainPage>;

const style = `:root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;font:15px/1.55 system-ui,sans-serif;
background:light-dark(#f5f6f7,#0d0f11);color:light-dark(#12171c,#e7eaed)}main{max-width:34rem;margin:1rem;padding:1.5rem 1.75rem;border-radius:10px;
border:1px solid light-dark(#dfe3e7,#262b30);background:light-dark(#fff,#14171a)}h1{margin:0 0 .5rem;font-size:1.25rem}p{margin:.5rem 0 0}
p+p{color:light-dark(#414b56,#b3bac2)}`;

export function renderPage({ title, what, todo }: PlainPage): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${title} · Fieldgate</title><style>${style}</style></head>` +
    `<body><main><h1>${title}</h1><p>${what}</p><p>${todo}</p></main></body></html>`
  );
}

/**
 * Everything from here and nothing inline, but for the script that sets the theme before the first paint and the style of
 * the plain pages, which are named by their hashes. CSP Level 3.
 * @param indexHtml the built page, whose inline scripts are the ones allowed
 */
export function contentSecurityPolicy(indexHtml: string): string {
  const scripts = [...indexHtml.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => sourceHash(text));
  return [
    `default-src 'none'`,
    [`script-src 'self'`, ...scripts].join(' '),
    `style-src 'self' ${sourceHash(style)}`,
    `font-src 'self'`,
    `img-src 'self'`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ');
}

function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
