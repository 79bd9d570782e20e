package data

import (
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/router/rates"
	"sipedge/schema"
)

// waysOf are the sets by which a number can be reached.
func waysOf(t *Table, number string) string {
	r, all := t.Rates(), []string{}
	for _, w := range r.Find(nil, &rates.Query{
		Number: []byte(number), Now: now, Random: func() uint64 { return 0 },
	}) {
		all = append(all, r.Sets()[w.Set])
	}
	return strings.Join(all, " ")
}

// Rates are read from a file again, and a mistake leaves the last good copy. What was found in the
// copy before stays as it was.
func TestRatesOfFile(t *testing.T) {
	decls, path := fileTable(t)
	decls[0].Kind, decls[0].Gateways = "lcr", []string{"a", "b"}
	touch(t, path, "prefix,gateways\n49,a\n", 0)
	tables, diags := Load(decls, nil, nil)
	if diags != nil {
		t.Fatal(diags)
	}
	table := tables.Get("did")
	before := table.Rates()
	for i, step := range []struct {
		file, want       string
		rows             int
		reloads, failure uint64
	}{
		{"prefix,gateways\n49,b\n4930,a\n", "b", 2, 1, 0},
		{"prefix,gateways\n49,c\n", "b", 2, 1, 1}, // no such set
		{"prefix,gateways\n49,a b\n", "a b", 1, 2, 1},
	} {
		touch(t, path, step.file, i+1)
		tables.Refresh(silent)
		tables.Refresh(silent) // it is at rest
		h, _ := table.History()
		if got := waysOf(table, "491"); got != step.want || table.Len(now) != step.rows ||
			h.Done != step.reloads || h.Failures != step.failure {
			t.Errorf("%q: %s of %d rows, %+v; want %+v", step.file, got, table.Len(now), h, step)
		}
	}
	if before.Len() != 1 || table.About().Kind != "lcr" {
		t.Errorf("%d rows of before, %+v", before.Len(), table.About())
	}
	// A policy without a set that a row names is refused; one with more sets reads anew.
	decls[0].Gateways = []string{"a"}
	if _, diags = Load(decls, tables, nil); len(diags) != 1 ||
		!strings.Contains(diags[0].Message, `line 2: gateways: there is no set of gateways "b"`) {
		t.Error(diags)
	}
	decls[0].Gateways = []string{"b", "a"}
	tables, diags = Load(decls, tables, nil)
	if diags != nil || waysOf(tables.Get("did"), "49") != "a b" {
		t.Error(diags)
	}
}

// Rates come from a database, by columns of any name; a row that is wrong is told by its place.
func TestRatesOfDatabase(t *testing.T) {
	row := func(pattern, gwlist any, price any) map[string]backends.Value {
		return map[string]backends.Value{"pattern": pattern, "gwlist": gwlist, "price": price}
	}
	db := &database{}
	db.Tables = map[string][]map[string]backends.Value{"dr_rules": {
		row("49", "a,b", 0.00001), row(nil, "b", nil), row("4930", "b", int64(1)),
	}}
	sql := &schema.SQL{
		Backend: schema.Text{S: "db"}, Table: "dr_rules", MaxRows: 10,
		Every: time.Minute, Required: true, Rates: []schema.RateColumn{
			{Name: "prefix", Column: "pattern"}, {Name: "gateways", Column: "gwlist"},
			{Name: "cost", Column: "price"},
		},
	}
	decls := []schema.Table{{Name: "rates", Kind: "lcr", Gateways: []string{"a", "b"}, SQL: sql}}
	tables, diags := Load(decls, nil, db.find)
	if diags != nil {
		t.Fatal(diags)
	}
	table := tables.Get("rates")
	for number, want := range map[string]string{"1": "b", "49": "a b", "4930": "b"} {
		if got := waysOf(table, number); got != want {
			t.Errorf("%s: want %s, got %s", number, want, got)
		}
	}
	if again, _ := Load(decls, tables, db.find); again.Get("rates") != table {
		t.Error("what is declared alike is read anew")
	}
	db.Tables["dr_rules"] = append(db.Tables["dr_rules"], row("5", "c", nil))
	const want = `row 4, prefix "5": gateways: there is no set of gateways "c"`
	_, diags = Load(decls, nil, db.find)
	if len(diags) != 1 || !strings.Contains(diags[0].Message, want) {
		t.Error(diags)
	}
}

// Rates of a policy, and of a file of YAML.
func TestRatesOfPolicy(t *testing.T) {
	v, diags := schema.ReadData("p.yaml", []byte("[{prefix: \"49\", gateways: a}]"))
	if diags != nil {
		t.Fatal(diags)
	}
	decls := []schema.Table{{Name: "rates", Kind: "lcr", Rates: &v, Gateways: []string{"a"}}}
	tables, diags := Load(decls, nil, nil)
	if diags != nil || waysOf(tables.Get("rates"), "4930") != "a" {
		t.Error(diags)
	}
	path := t.TempDir() + "/rates.yaml"
	touch(t, path, "- {prefix: \"49\", gateways: a}\n", 0)
	decls[0].Rates, decls[0].File = nil, schema.Text{S: path}
	tables, diags = Load(decls, nil, nil)
	if diags != nil || waysOf(tables.Get("rates"), "4930") != "a" {
		t.Error(diags)
	}
	touch(t, path, "- {prefix: \"49\"}\n", 1)
	if _, diags = Load(decls, nil, nil); len(diags) != 1 ||
		!strings.Contains(diags[0].Message, "rates.yaml: line 1: gateways: a row has 1 to 16 sets") {
		t.Error(diags)
	}
}
