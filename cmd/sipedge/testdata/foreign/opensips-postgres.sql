-- The columns of OpenSIPS 3.6's tables of users and bindings, in our own words: types and defaults
-- as its documentation of the schema has them. SIPEDGE_OPENSIPS_SQL names a folder of the real ones.
CREATE TABLE version (table_name VARCHAR(32) NOT NULL UNIQUE, table_version INT NOT NULL DEFAULT 0);
CREATE TABLE subscriber (id SERIAL PRIMARY KEY,
  username VARCHAR(64) NOT NULL DEFAULT '', domain VARCHAR(64) NOT NULL DEFAULT '',
  password VARCHAR(25) NOT NULL DEFAULT '', ha1 VARCHAR(64) NOT NULL DEFAULT '',
  ha1_sha256 VARCHAR(64) NOT NULL DEFAULT '', ha1_sha512t256 VARCHAR(64) NOT NULL DEFAULT '',
  UNIQUE (username, domain));
CREATE TABLE location (contact_id BIGSERIAL PRIMARY KEY,
  username VARCHAR(64) NOT NULL DEFAULT '', domain VARCHAR(64), contact TEXT NOT NULL,
  received VARCHAR(255), path VARCHAR(255), expires INTEGER NOT NULL,
  q REAL NOT NULL DEFAULT 1.0, callid VARCHAR(255) NOT NULL DEFAULT '',
  cseq INT NOT NULL DEFAULT 13, last_modified TIMESTAMP NOT NULL DEFAULT '1900-01-01 00:00:01',
  flags INT NOT NULL DEFAULT 0, cflags VARCHAR(255), user_agent VARCHAR(255) NOT NULL DEFAULT '',
  socket VARCHAR(64), methods INT, sip_instance VARCHAR(255), kv_store TEXT, attr VARCHAR(255));
INSERT INTO version VALUES ('subscriber', 8), ('location', 1013);
