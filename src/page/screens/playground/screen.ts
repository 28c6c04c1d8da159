// The playground: one text, asked of one config or of two side by side.

import { ConfigsAnswer, ExpertsAnswer } from '../../../contract/http.ts';
import { failureOf, isAbort } from '../../api/api-error.ts';
import { live } from '../../app/live.ts';
import type { OpenScreen, ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { errorPanel } from '../../parts/error-panel.ts';
import { empty } from '../../parts/empty.ts';
import { skeleton } from '../../parts/skeleton.ts';
import { answerCard } from './answer-card.ts';
import { ask, type Question } from './ask.ts';
import { createForm } from './form.ts';
import { inWords } from './in-words.ts';

/** A config with the experts that it serves. */
export interface Deployed {
  readonly config: ConfigsAnswer['configs'][number];
  readonly experts: ExpertsAnswer['experts'];
}

/** Less of the answers than this is as good as nothing. */
const SEEN_PX = 200;

/** Opens the playground; `#/playground/CONFIG/EXPERT` starts with that expert's example. */
export const openPlayground: OpenScreen = (context) => ({
  title: 'Playground',
  intro: 'Type a text, and see which experts the router mixes, who answers, how long it takes and what it costs.',
  content: live(context, { name: 'configs', load: () => loadDeployed(context), view: (deployed) => playground(context, deployed) }).element,
});

async function loadDeployed({ api, signal }: ScreenContext): Promise<readonly Deployed[]> {
  const { body } = await api.call(ConfigsAnswer, '/v1/configs', { signal });
  return Promise.all(
    body.configs.map(async (config) => {
      const answer = await api.call(ExpertsAnswer, `/v1/experts?config=${config.config}`, { signal });
      return { config, experts: answer.body.experts };
    }),
  );
}

function playground(context: ScreenContext, deployed: readonly Deployed[]): HTMLElement {
  const results = h('div', { class: 'results' }, empty('No answer yet', 'Pick an example or write your own text, then ask.'));
  const name = (config: string): string => deployed.find((one) => one.config.config === config)?.config.name ?? config;
  let asking = new AbortController();
  const answer = async (questions: readonly Question[]): Promise<void> => {
    asking.abort();
    asking = new AbortController();
    const signal = AbortSignal.any([asking.signal, context.signal]);
    const places = questions.map(() => h('div', { class: 'result', 'aria-busy': 'true' }, skeleton('the answer')));
    results.className = questions.length > 1 ? 'results results-two' : 'results';
    results.replaceChildren(...places);
    form.setBusy(true);
    // On a narrow screen they are below what can be seen.
    if (results.getBoundingClientRect().top > innerHeight - SEEN_PX) results.scrollIntoView({ block: 'start' });
    const said = await Promise.all(questions.map((question, i) => show(context, question, { place: places[i], signal, name })));
    if (signal.aborted) return;
    form.setBusy(false);
    context.announce(said.join('. '));
  };
  const form = createForm(deployed, context.path, (questions) => void answer(questions));
  return h('div', { class: 'playground' }, form.element, h('section', { 'aria-label': 'Answers' }, results));
}

/** Where an answer goes. */
interface Place {
  readonly place: HTMLElement;
  readonly signal: AbortSignal;
  readonly name: (config: string) => string;
}

/** Asks and shows; what was shown, in words. */
async function show({ api, askCredentials }: ScreenContext, question: Question, { place, signal, name }: Place): Promise<string> {
  try {
    const answered = await ask(api, question, signal);
    place.replaceChildren(answerCard(answered, name(answered.prediction.config)));
    return inWords(answered.prediction);
  } catch (thrown) {
    if (isAbort(thrown)) return '';
    const failure = failureOf(thrown);
    place.replaceChildren(errorPanel(failure, { askCredentials }));
    return failure.message;
  } finally {
    place.setAttribute('aria-busy', 'false');
  }
}
