import { en, type Texts } from './en.ts';

/** The language of the page. */
export const texts: Texts = en;
