package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// droutingTables are those of OpenSIPS's drouting, by their columns.
const droutingTables = `
CREATE TABLE dr_gateways (id INTEGER PRIMARY KEY, gwid VARCHAR(64) NOT NULL, type INTEGER NOT NULL,
  address VARCHAR(128) NOT NULL, strip INTEGER NOT NULL, pri_prefix VARCHAR(16), attrs VARCHAR(255),
  probe_mode INTEGER NOT NULL, state INTEGER NOT NULL, socket VARCHAR(128),
  description VARCHAR(128));
CREATE TABLE dr_carriers (id INTEGER PRIMARY KEY, carrierid VARCHAR(64) NOT NULL,
  gwlist VARCHAR(255) NOT NULL, flags INTEGER NOT NULL, sort_alg CHAR(1) NOT NULL,
  state INTEGER NOT NULL, attrs VARCHAR(255), description VARCHAR(128));
CREATE TABLE dr_rules (ruleid INTEGER PRIMARY KEY, groupid VARCHAR(255) NOT NULL,
  prefix VARCHAR(64) NOT NULL, timerec VARCHAR(255), priority INTEGER NOT NULL,
  routeid VARCHAR(255),
  gwlist VARCHAR(255), sort_alg CHAR(1) NOT NULL, sort_profile INTEGER, attrs VARCHAR(255),
  description VARCHAR(128));
CREATE TABLE dr_groups (id INTEGER PRIMARY KEY, username VARCHAR(64) NOT NULL, domain VARCHAR(128),
  groupid INTEGER NOT NULL, description VARCHAR(128));
INSERT INTO dr_gateways VALUES (1, 'GW1', 0, 'PLACE', 1, '00', 'one', 0, 0, NULL, NULL);
INSERT INTO dr_gateways VALUES (2, 'GW2', 0, 'sip:192.0.2.2:5070', 0, NULL, NULL, 0, 0, NULL, NULL);
INSERT INTO dr_carriers VALUES (1, 'both', 'GW2,GW1', 0, 'N', 0, NULL, NULL);
INSERT INTO dr_rules VALUES (1, '7,8', '49', NULL, 0, NULL, 'GW1', 'N', NULL, NULL, NULL);
INSERT INTO dr_rules VALUES (2, '8', '49', '19700101T000000||10H|YEARLY|19710101T000000', 9, '',
  '#both', 'N', NULL, 'a rule of long ago', NULL);
INSERT INTO dr_rules VALUES (3, '9', '', '', 0, NULL, '#both', 'N', NULL, 'all', NULL);
INSERT INTO dr_groups VALUES (1, 'test', '127.0.0.1', 8, NULL);
INSERT INTO dr_groups VALUES (2, 'other', '127.0.0.1', 9, NULL);
`

// TestDrouting: calls go by the tables of OpenSIPS's drouting, as the group of the caller, the
// prefix and the time have it, and a rule that is deleted counts no more.
func TestDrouting(t *testing.T) {
	for _, driver := range []string{"mysql", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			needs(t, "sipp")
			h := newHouse(t, driver)
			_, at := startUAS(t, "uas", "udp", "127.0.0.1", load{1, 10, callLength})
			h.sql(strings.Replace(droutingTables, "PLACE", at.String(), 1))
			state := t.TempDir()
			s := startServer(t, testHead+fmt.Sprintf(`
vars: {var.group: string}
backends: {db: {%s: {dsn: %q}}}
tables:
  groups: {map: {sql: {backend: db, table: dr_groups, key: [username, domain], value: groupid}}}
  rates: {lcr: {sql: {backend: db, table: dr_rules, drouting: {zone: Europe/Berlin}}, refresh: 1s}}
gateways:
  first: {destinations: [{uri: "sip:%s"}]}
  second: {destinations: [{uri: "sip:192.0.2.2:5070"}]}`, driver, h.dsn, at)+withinDialogs+`
    - name: calls
      do:
        - query: {table: groups, key: "{from.user}@{from.host}", into: var.group, on_none: stranger}
        - lcr: {table: rates, number: "4930123", group: "{var.group}"}
        - {relay: {}}
`, "--state", state)
			show := func(group string) (ways string) { // rules and sets, of those that count
				t.Helper()
				text := sipedge(t, "", "ctl", "--socket", filepath.Join(state, "ctl.sock"),
					"lcr", "show", "--group", group, "4930123")
				for line := range strings.Lines(text) {
					if f := strings.Fields(line); f[7] == "-" {
						ways += f[0] + ":" + f[8] + " "
					}
				}
				return ways
			}
			for group, want := range map[string]string{
				"7": "1:first ", "8": "1:first ", "9": "3:second 3:first ", "10": "",
			} {
				if got := show(group); got != want {
					t.Errorf("group %s: want %q, got %q", group, want, got)
				}
			}
			if got := invite(t, s.addr("udp", false)); got != "SIP/2.0 200 OK" {
				t.Errorf("the caller got %q", got)
			}
			h.sql("DELETE FROM dr_rules WHERE ruleid = 1;")
			await(t, 20*time.Second, func() (string, bool) { return "the rule goes", show("8") == "" })
			if got := invite(t, s.addr("udp", false)); !strings.HasPrefix(got, "SIP/2.0 503 ") {
				t.Errorf("the second caller got %q", got)
			}
			s.says(`table_rows{table="rates"} 4`)
		})
	}
}
