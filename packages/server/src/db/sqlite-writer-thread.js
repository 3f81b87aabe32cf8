/**
 * The thread that writes to an SQLite file, so that nobody but the writers waits for the disk. It performs what `SqliteWriter`
 * sends together, in order, and answers each with its result or its error.
 *
 * It is JavaScript and imports nothing else, since a thread that loads TypeScript starts three times as slowly.
 */
import { constants, DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** Prepared statements that are kept, since preparing one takes 25 µs and the same few texts are sent. */
const mostStatements = 200;

/** Milliseconds between two attempts to get a lock that another process holds. */
const retryAfterMs = 1;

/** The tables that every change writes by itself. */
const logTables = new Set(['events', 'event_head']);

const { url, timeoutMs } = workerData;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const statements = new Map();
let answers = [];
let database;

/**
 * The write-ahead log is fully synchronized: a commit that was answered is on the disk, even after `kill -9` or a power cut.
 * SQLite does not wait for locks, since it would look for one too rarely.
 */
function open() {
  const opened = new DatabaseSync(url, { timeout: 0 });
  opened.exec('pragma synchronous = full; pragma foreign_keys = on;');
  return opened;
}

function execute({ sql, parameters }) {
  let statement = statements.get(sql);
  if (statement === undefined) {
    const prepared = database.prepare(sql);
    statement = { prepared, isReader: prepared.columns().length > 0 };
    if (statements.size >= mostStatements) {
      statements.clear();
    }
    statements.set(sql, statement);
  }
  if (statement.isReader) {
    return { rows: statement.prepared.all(...parameters) };
  }
  const { changes, lastInsertRowid } = statement.prepared.run(...parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}

/**
 * Applies what was changed on a copy. Rows that are not part of the log of changes, such as those on usage, may differ by
 * now: then the change wins, and what is deleted already remains so.
 */
function applyChanges(changes) {
  const isApplied = database.applyChangeset(changes, {
    filter: (table) => !logTables.has(table),
    onConflict: (kind) => {
      switch (kind) {
        case constants.SQLITE_CHANGESET_DATA:
        case constants.SQLITE_CHANGESET_CONFLICT:
          return constants.SQLITE_CHANGESET_REPLACE;
        case constants.SQLITE_CHANGESET_NOTFOUND:
          return constants.SQLITE_CHANGESET_OMIT;
        default:
          return constants.SQLITE_CHANGESET_ABORT;
      }
    },
  });
  if (!isApplied) {
    throw new Error('changes to a copy of the database do not fit the database');
  }
}

function perform(order) {
  if (order.kind === 'close') {
    return database?.close();
  }
  database ??= open();
  switch (order.kind) {
    case 'execute':
      return execute(order);
    case 'rollback':
      // SQLite has already rolled back if the disk is full, for example.
      return database.isTransaction ? database.exec('rollback') : undefined;
    case 'apply':
      return applyChanges(order.changes);
    default:
      throw new Error(`unknown order: ${order.kind}`);
  }
}

/** Repeats what finds the file locked. In a transaction, which holds the lock, nothing does. SQLITE_BUSY and its extended codes have 5 in their low byte. */
function performWhenUnlocked(order) {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      return perform(order);
    } catch (error) {
      if ((error.errcode & 0xff) !== 5 || performance.now() > giveUpAt) {
        throw error;
      }
    }
    // Nobody else waits for that lock.
    sendAnswers();
    Atomics.wait(sleeper, 0, 0, retryAfterMs);
  }
}

function answer(order) {
  try {
    return { result: performWhenUnlocked(order) };
  } catch ({ message, code, errcode, errstr }) {
    // A copy of the error itself would lack its codes.
    return { fault: { message, code, errcode, errstr } };
  }
}

function sendAnswers() {
  if (answers.length > 0) {
    parentPort.postMessage(answers);
    answers = [];
  }
}

parentPort.on('message', (orders) => {
  for (const order of orders) {
    const done = answer(order);
    // Those before it may have been sent meanwhile.
    answers.push(done);
  }
  sendAnswers();
  if (orders.at(-1).kind === 'close') {
    parentPort.close();
  }
});
