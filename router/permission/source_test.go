package permission_test

import (
	"context"
	"net/netip"
	"testing"

	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/permission"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// rows are columns of schema.AddressColumns.
func rows(cells ...[]string) []schema.Address {
	list := make([]schema.Address, len(cells))
	for i, c := range cells {
		list[i].Cells = append(c, make([]string, len(schema.AddressColumns)-len(c))...)
	}
	return list
}

// step is one of arguments over a table, with what it does where no row has the source.
type step struct {
	job.Step
	who, group, number *vars.Var
	unfit              int
	none               []int // statuses
}

func newStep(t *testing.T, args string) *step {
	t.Helper()
	tables, diags := data.Load([]schema.Table{{Name: "peers", Kind: "address", Addresses: rows(
		[]string{"1", "198.51.100.0/24"},
		[]string{"2", "198.51.100.7", "", "5060", "udp", "sip:a*", "office"},
		[]string{"2", "198.51.100.7", "", "", "tls", "", "42"},
		[]string{"3", "198.51.100.7", "", "", "ws", "", "factory"},
	)}}, nil, nil)
	if diags != nil {
		t.Fatal(diags)
	}
	v, diags := schema.ReadData("args.yaml", []byte(args))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	scope := vars.NewScope([]schema.Var{
		{Name: "var.who", Type: "string"}, {Name: "var.group", Type: "int"},
		{Name: "var.number", Type: "int"},
	})
	all := scope.Vars()
	s := &step{who: all[0], group: all[1], number: all[2]}
	s.Step = permission.New(&permission.Env{
		Table: tables.Get("peers"), Args: &v,
		Text: func(key string) func([]byte, *job.Job) []byte {
			text := v.Get(key).S
			if text == "" {
				return nil
			}
			return func(b []byte, _ *job.Job) []byte { return append(b, text...) }
		},
		Variables: func(v *schema.Value) (list []*vars.Var) {
			v.Each(func(v *schema.Value) {
				found, diags := scope.Find(v.Text())
				if diags != nil {
					t.Fatal(diags)
				}
				list = append(list, found)
			})
			return list
		},
		Unfit: func() { s.unfit++ },
		OnNone: func(_ context.Context, _ *job.Job, status int) job.Verdict {
			s.none = append(s.none, status)
			return job.Done
		},
	})
	return s
}

// Who is in no row goes no further; of others their row is told, as far as it fits.
func TestCheckSourceAddress(t *testing.T) {
	const told = "into: [var.who, var.number], group_into: var.group"
	for _, c := range []struct {
		args, from string
		by         sip.Transport
		who        string // "-": unset
		group      int64  // 0: nobody goes on
		unfit      int
	}{
		{"{" + told + "}", "198.51.100.7:5060", sip.UDP, "office", 2, 1},
		{"{" + told + ", pattern: 'sip:alice@a'}", "198.51.100.7:5060", sip.UDP, "office", 2, 1},
		{"{" + told + ", pattern: 'sip:bob@a'}", "198.51.100.7:5060", sip.UDP, "-", 1, 0},
		{"{" + told + ", pattern: 'sip:bob@a', group: 2}", "198.51.100.7:5060", sip.UDP, "-", 0, 0},
		{"{" + told + "}", "198.51.100.7:5061", sip.TLS, "42", 2, 0},
		{"{" + told + ", group: [3, 4]}", "198.51.100.7:80", sip.WS, "factory", 3, 1},
		{"{" + told + "}", "198.51.100.9:5060", sip.UDP, "-", 1, 0},
		{"{" + told + ", group: [2, 3]}", "198.51.100.9:5060", sip.UDP, "-", 0, 0},
		{"{}", "198.51.100.9:5060", sip.UDP, "-", 1, 0},
		{"{" + told + "}", "203.0.113.1:5060", sip.UDP, "-", 0, 0},
	} {
		s := newStep(t, c.args)
		j := new(job.Job)
		j.Flow = transport.Flow{Transport: c.by, Remote: netip.MustParseAddrPort(c.from)}
		verdict, err := s.Run(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		want := job.Next
		if c.group == 0 {
			want = job.Done
		}
		if refused := len(s.none) == 1 && s.none[0] == 403; verdict != want ||
			refused != (c.group == 0) || len(s.none) > 1 {
			t.Errorf("%s from %s: %v, refused with %v", c.args, c.from, verdict, s.none)
		}
		who, ok := s.who.Text(j, 0)
		if !ok {
			who = []byte("-")
		}
		if string(who) != c.who || s.unfit != c.unfit {
			t.Errorf("%s from %s: %s, %d unfit", c.args, c.from, who, s.unfit)
		}
		number, isNumber := s.number.Int(j, 0)
		if isNumber != (c.who == "42") || isNumber && number != 42 {
			t.Errorf("%s from %s: the number %d, %v", c.args, c.from, number, isNumber)
		}
		group, ok := s.group.Int(j, 0)
		if told := len(c.args) > 2 && c.group > 0; ok != told || told && group != c.group {
			t.Errorf("%s from %s: group %d, %v", c.args, c.from, group, ok)
		}
	}
}

// What a variable had before the row of another is gone when that says nothing.
func TestNothingStays(t *testing.T) {
	s := newStep(t, "{into: var.who, group_into: var.group}")
	j := new(job.Job)
	j.Flow = transport.Flow{
		Transport: sip.UDP, Remote: netip.MustParseAddrPort("198.51.100.9:5060"),
	}
	if _, err := s.who.Set(j, []byte("somebody")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if who, ok := s.who.Text(j, 0); ok {
		t.Errorf("it says %s", who)
	}
}
