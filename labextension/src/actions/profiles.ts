/** The profiles as options of a question. Pure. */

import type { IOption } from '../view/leaveQuestion';
import type { IChoices } from '../wire';

/** Each profile with what it is, what is free, and why it cannot be had. */
export function profileOptions(choices: IChoices): IOption[] {
  return choices.profiles.map(profile => ({
    id: profile.id,
    label: profile.display_name,
    details: [profile.description, profile.capacity ?? ''].filter(Boolean),
    refusal: profile.allowed ? null : (profile.reason ?? ''),
    current: profile.id === choices.current.profile
  }));
}
