-- The columns of OpenSIPS 3.6's tables of users and bindings, in our own words: types and defaults
-- as its documentation of the schema has them. SIPEDGE_OPENSIPS_SQL names a folder of the real ones.
CREATE TABLE version (table_name CHAR(32) NOT NULL UNIQUE, table_version INT NOT NULL DEFAULT 0);
CREATE TABLE subscriber (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  username CHAR(64) NOT NULL DEFAULT '', domain CHAR(64) NOT NULL DEFAULT '',
  password CHAR(25) NOT NULL DEFAULT '', ha1 CHAR(64) NOT NULL DEFAULT '',
  ha1_sha256 CHAR(64) NOT NULL DEFAULT '', ha1_sha512t256 CHAR(64) NOT NULL DEFAULT '',
  UNIQUE (username, domain));
CREATE TABLE location (contact_id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  username CHAR(64) NOT NULL DEFAULT '', domain CHAR(64), contact TEXT NOT NULL,
  received CHAR(255), path CHAR(255), expires INT UNSIGNED NOT NULL,
  q FLOAT(10,2) NOT NULL DEFAULT 1.0, callid CHAR(255) NOT NULL DEFAULT '',
  cseq INT NOT NULL DEFAULT 13, last_modified DATETIME NOT NULL DEFAULT '1900-01-01 00:00:01',
  flags INT NOT NULL DEFAULT 0, cflags CHAR(255), user_agent CHAR(255) NOT NULL DEFAULT '',
  socket CHAR(64), methods INT, sip_instance CHAR(255), kv_store TEXT, attr CHAR(255));
INSERT INTO version VALUES ('subscriber', 8), ('location', 1013);
