/** What a user gave is wrong: the message names the place, what is there and what would be right. */
export class InputError extends Error {
  override readonly name = 'InputError';
}
