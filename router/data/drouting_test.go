package data

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/backends"
	"sipedge/schema"
)

// hasRules makes d a database with one gateway and rules of a prefix, "prefix routeid" each.
func hasRules(d *database, rules ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Tables = map[string][]map[string]backends.Value{
		"dr_gateways": {{"gwid": "gw1", "address": "192.0.2.1", "strip": int64(0), "state": int64(0)}},
	}
	for i, text := range rules {
		prefix, route, _ := strings.Cut(text, " ")
		d.Tables["dr_rules"] = append(d.Tables["dr_rules"], map[string]backends.Value{
			"ruleid": int64(i + 1), "groupid": "", "prefix": prefix, "priority": int64(0),
			"routeid": route, "gwlist": "gw1", "sort_alg": "N",
		})
	}
}

func droutingDecl(zone string, line int) []schema.Table {
	return []schema.Table{{Name: "rates", Kind: "lcr", Gateways: []string{"a"}, SQL: &schema.SQL{
		Backend: schema.Text{S: "db"}, Table: "dr_rules", MaxRows: 10, Every: time.Minute,
		Required: true, Drouting: &schema.Drouting{
			Gateways: "dr_gateways", Carriers: "dr_carriers",
			Zone:   schema.Text{S: zone, Pos: schema.Pos{File: "p", Line: line, Col: 9}},
			Single: []schema.Single{{Set: "a", URI: "sip:192.0.2.1"}}, LeaveOut: true,
		},
	}}}
}

// Rules that can't be meant are left out. A start warns of them, and the log when others are.
func TestDrouting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{silent: true}
		hasRules(d, "49", "5 script", "6 script")
		tables, diags := Load(droutingDecl("", 3), nil, d.find)
		const want = `rules of dr_rules that are left out: 2; the first is rule 2: routeid: "script"`
		if len(diags) != 1 || diags.HasErrors() || !strings.HasPrefix(diags[0].Message, want) {
			t.Fatalf("got %v, want %s", diags, want)
		}
		table := tables.Get("rates")
		log := watching(t, func() *Tables { return tables })
		expect := func(left, rows, told int, version uint64) {
			t.Helper()
			time.Sleep(80 * time.Second)
			synctest.Wait()
			h, _ := table.History()
			n := strings.Count(log.String(), "left out")
			if h.Left != left || table.Len(now) != rows || n != told || h.Version != version {
				t.Errorf("want %d left, %d rows, told %d times, version %d; got %d, %+v:\n%s",
					left, rows, told, version, table.Len(now), h, log)
			}
		}
		expect(2, 1, 0, 1)
		hasRules(d, "49", "5 script", "6 script", "7 script")
		expect(3, 1, 1, 1)
		hasRules(d, "49", "5 script", "6")
		expect(1, 2, 2, 2)
		hasRules(d, "49", "5", "6")
		expect(0, 3, 2, 3)
		if waysOf(table, "5") != "a" {
			t.Error("a rule that was left out does not count later")
		}
	})
}

// Unless the policy says that they may be left out, the table can't be read with them: a start
// fails, and later the last good copy stays.
func TestDroutingWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{silent: true}
		hasRules(d, "49", "5 script")
		decl := droutingDecl("", 3)
		decl[0].SQL.Drouting.LeaveOut = false
		_, diags := Load(decl, nil, d.find)
		if !diags.HasErrors() || !strings.Contains(diags[0].Hint, "leave_out") {
			t.Fatalf("got %v", diags)
		}
		hasRules(d, "49")
		tables, diags := Load(decl, nil, d.find)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		log := watching(t, func() *Tables { return tables })
		hasRules(d, "5 script", "6")
		time.Sleep(80 * time.Second)
		synctest.Wait()
		h, _ := tables.Get("rates").History()
		if h.Version != 1 || !strings.Contains(h.Error, "routeid") {
			t.Errorf("got %+v\n%s", h, log)
		}
	})
}

// The time zone is looked at without a database, and a table whose declaration has only moved goes
// on.
func TestDroutingZone(t *testing.T) {
	_, diags := Load(droutingDecl("Europe/Berln", 3), nil, nil)
	if len(diags) != 1 || diags[0].Code != schema.BadValue || diags[0].Pos.Line != 3 {
		t.Errorf("without a database: %v", diags)
	}
	d := &database{}
	hasRules(d, "49")
	tables, diags := Load(droutingDecl("Europe/Berlin", 3), nil, d.find)
	if diags != nil {
		t.Fatal(diags)
	}
	if moved, _ := Load(droutingDecl("Europe/Berlin", 4), tables, d.find); moved.Get("rates") !=
		tables.Get("rates") {
		t.Error("a table is read anew though it is declared alike")
	}
	if other, _ := Load(droutingDecl("Europe/Paris", 3), tables, d.find); other.Get("rates") ==
		tables.Get("rates") {
		t.Error("a table in another zone goes on")
	}
}

// bare is a database without tables.
type bare struct{ database }

func (*bare) Select(context.Context, backends.Select) ([]backends.Row, error) {
	return nil, backends.ErrRefused
}

// `db init` is offered for the tables that it makes.
func TestHint(t *testing.T) {
	for table, want := range map[string]string{
		"domain": "`sipedge db check` tells", "dr_rules": "`sipedge db init` makes no such table",
	} {
		decls := droutingDecl("", 3)
		decls[0].SQL.Table = table
		_, diags := Load(decls, nil, func(string) backends.DB { return &bare{} })
		if len(diags) != 1 || !strings.HasPrefix(diags[0].Hint, want) {
			t.Errorf("%s: %+v", table, diags)
		}
	}
}
