import { RequestFault, ServerAway } from '../src/request';
import { WireError } from '../src/wire';
import { faultText } from '../src/words/faults';
import { german } from './german';

describe('faultText', () => {
  it('is in the language of the page, with what to do', () => {
    const refusal = {
      reason: 'not_owner',
      message: 'Only the owner can do this to the workspace from inside it.',
      message_said: {
        template: 'Only the owner can do this to the workspace from inside it.',
        values: []
      },
      hint: 'Fragen Sie Ben.'
    };
    expect(faultText(new RequestFault(refusal, 403), german)).toBe(
      'Das kann von innen nur, wem der Arbeitsplatz gehört. Fragen Sie Ben.'
    );
  });

  it.each<[string, unknown, string]>([
    ['a refusal without a hint', new RequestFault({ reason: 'a', message: 'B.' }, 403), 'B.'],
    ['no answer', new ServerAway(), 'Der Arbeitsplatz antwortet nicht.'],
    ['an answer of another version', new WireError('version', '1'), 'version is not 1'],
    ['anything else', 'odd', 'odd']
  ])('tells %s', (_name, error, text) => {
    expect(faultText(error, german)).toBe(text);
  });
});
