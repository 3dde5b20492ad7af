-- SPDX-License-Identifier: GPL-2.0-only
-- A history as version 1 of its schema was. Not to be changed: files like this are with users.
PRAGMA application_id = 1229931348;
PRAGMA user_version = 1;
CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE test (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE reason (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE run (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, began TEXT NOT NULL, host INTEGER NOT NULL REFERENCES host, kernel TEXT NOT NULL,
  suite TEXT NOT NULL, mode TEXT NOT NULL, exit_code INTEGER, folder TEXT NOT NULL, stamp TEXT,
  pass INTEGER NOT NULL, fail INTEGER NOT NULL, known INTEGER NOT NULL, error INTEGER NOT NULL, miss INTEGER NOT NULL,
  skip INTEGER NOT NULL, done INTEGER NOT NULL,
  UNIQUE (name, began)
);
CREATE INDEX run_by_host ON run (host, id);
CREATE TABLE verdict (
  test INTEGER NOT NULL REFERENCES test, host INTEGER NOT NULL, run INTEGER NOT NULL REFERENCES run, word INTEGER NOT NULL,
  reason INTEGER REFERENCES reason,
  PRIMARY KEY (test, host, run)
) WITHOUT ROWID;
INSERT INTO host VALUES (1, 'vtd');
INSERT INTO test VALUES (1, 'access/bind/once@0000:01:00.0'), (2, 'access/bind/twice@0000:01:00.0');
INSERT INTO reason VALUES (1, 'assertion');
INSERT INTO run VALUES (1795860000, '20261128T100000-vtd', '2026-11-28T10:00:00.000Z', 1, '7.2.1', '0123456789ab', 'time', 1,
  '/gone/20261128T100000-vtd', '4096:1', 1, 1, 0, 0, 0, 0, 0);
INSERT INTO verdict VALUES (1, 1, 1795860000, 0, NULL), (2, 1, 1795860000, 1, 1);
