import fc from 'fast-check';

/**
 * One seed for all property tests of a run. Developers get another one each time, and whoever finds a failure replays it
 * with PROPERTY_SEED; CI repeats itself, so that a submission is judged by its change and not by its luck.
 */
const given = process.env['PROPERTY_SEED'];
const seed = given === undefined ? (process.env['CI'] === undefined ? Date.now() % 2 ** 31 : 1) : Number(given);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
process.stdout.write(`property tests run with PROPERTY_SEED=${seed}\n`);
