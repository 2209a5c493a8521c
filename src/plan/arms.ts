/** The arms of a setting. */
import type { CommandTemplate } from '../samples/record.js';

/** A program of the user's own. */
export interface ChosenCommand {
  readonly name: string;
  readonly command: CommandTemplate;
}
