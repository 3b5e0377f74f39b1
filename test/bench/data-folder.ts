import path from 'node:path';

/** Measurements that are read where they are, and are no part of this project. */
export const DATA_FOLDER = path.resolve(process.env['STEPWISE_DATA'] ?? '../shared/data');
