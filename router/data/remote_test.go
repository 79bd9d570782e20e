package data

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/backends"
	"sipedge/schema"
)

// database is a Stub whose rows change, which tells of it.
type database struct {
	backends.Stub
	mu      sync.Mutex // guards all
	told    func(lost error)
	selects int
	silent  bool // it can't notify
}

func (d *database) Select(ctx context.Context, q backends.Select) ([]backends.Row, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.selects++
	return d.Stub.Select(ctx, q)
}

func (d *database) Can() backends.Capability {
	if d.silent {
		return backends.CanSelect
	}
	return d.Stub.Can()
}

func (d *database) Notified(ctx context.Context, _ string, f func(lost error)) error {
	d.mu.Lock()
	d.told = f
	d.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

// has makes rows the whole table: "number target group".
func (d *database) has(rows ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []map[string]backends.Value
	for _, r := range rows {
		f := strings.Fields(r)
		list = append(list, map[string]backends.Value{"number": f[0], "target": f[1], "grp": f[2]})
	}
	d.Tables = map[string][]map[string]backends.Value{"did": list}
}

func (d *database) fail(fails bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Fails = fails
	d.Begin()
}

func (d *database) asked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.selects
}

func (d *database) tell(lost error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told(lost)
}

func (d *database) find(name string) backends.DB {
	if name != "db" {
		return nil
	}
	return d
}

func remoteDecl(change func(*schema.SQL)) []schema.Table {
	s := &schema.SQL{
		Backend: schema.Text{S: "db", Pos: schema.Pos{File: "p", Line: 3, Col: 7}}, Table: "did",
		Key: []string{"number"}, Separator: "@", Value: "target", MaxRows: 3, Every: time.Minute,
		Required: true,
	}
	if change != nil {
		change(s)
	}
	return []schema.Table{{Name: "did", Kind: "map", SQL: s}}
}

// Rows become what the declaration says of them.
func TestRemoteRows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*schema.SQL)
		rows   []string
		want   string // key=value, or the error
	}{
		{"a row", nil, []string{"1 a g"}, "1=a"},
		{"keys of two columns", func(s *schema.SQL) { s.Key = []string{"number", "grp"} },
			[]string{"1 a g", "1 b h"}, "1@h=b"},
		{"a network", func(s *schema.SQL) { s.Key, s.Separator = []string{"number", "grp"}, "/" },
			[]string{"1 a g"}, "1/g=a"},
		{"rows that count", func(s *schema.SQL) { s.Where = []schema.Where{{Column: "grp", Value: "h"}} },
			[]string{"1 a g", "1 b h"}, "1=b"},
		{"in lower case", func(s *schema.SQL) { s.Lower = true }, []string{"EX.org a g"}, "ex.org=a"},
		{"too many", nil, []string{"1 a g", "2 a g", "3 a g", "4 a g"}, "more than 3 rows"},
		{"as many as can be", nil, []string{"1 a g", "2 a g", "3 c g"}, "3=c"},
		{"two values", nil, []string{"1 a g", "1 b g"}, "two values"},
		{"no key", func(s *schema.SQL) { s.Key = []string{"nosuch"} }, []string{"1 a g"}, "NULL"},
		{"another's", func(s *schema.SQL) { s.Backend.S = "contacts" }, nil, "no database"},
	} {
		d := &database{}
		d.has(tt.rows...)
		tables, diags := Load(remoteDecl(tt.change), nil, d.find)
		if diags.HasErrors() {
			if !strings.Contains(diags[0].Message, tt.want) || diags[0].Pos.Line != 3 {
				t.Errorf("%s: want %q, got %v", tt.name, tt.want, diags)
			}
			continue
		}
		key, want, _ := strings.Cut(tt.want, "=")
		if got := value(tables.Get("did"), key); got != want {
			t.Errorf("%s: %s is %s, want %s", tt.name, key, got, want)
		}
	}
}

// watching runs a Watch over tables in virtual time.
func watching(t *testing.T, current func() *Tables) (log *strings.Builder) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	log = &strings.Builder{}
	go func() {
		defer close(done)
		Watch(ctx, time.Second, current, slog.New(slog.NewTextHandler(log, nil)))
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return log
}

// A table is read again when it is due; what can't be read leaves the last good copy, is logged
// as long as it is another failure, and counted, and asked for sooner.
func TestRemoteRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{silent: true}
		d.has("1 a g")
		tables, diags := Load(remoteDecl(nil), nil, d.find)
		if diags != nil {
			t.Fatal(diags)
		}
		did := tables.Get("did")
		log := watching(t, func() *Tables { return tables })
		expect := func(after time.Duration, want string, version uint64, failed bool) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			h, _ := did.History()
			if got := value(did, "1"); got != want || h.Version != version || h.Failed != failed {
				t.Errorf("want %s, version %d, failed %t; got %s, %+v", want, version, failed, got, h)
			}
		}
		d.has("1 b g")
		expect(50*time.Second, "a", 1, false)
		expect(20*time.Second, "b", 2, false)
		expect(time.Minute+10*time.Second, "b", 2, false) // the same rows are no new version
		d.fail(true)
		expect(time.Minute+10*time.Second, "b", 2, true)
		before := d.asked()
		time.Sleep(time.Minute)
		if n := d.asked() - before; n < 4 {
			t.Errorf("asked %d times in a minute", n)
		}
		d.fail(false)
		d.has("1 c g", "1 d g")
		expect(15*time.Second, "b", 2, true)
		d.has("1 c g")
		expect(15*time.Second, "c", 3, false)
		if h, _ := did.History(); h.Read.IsZero() || time.Since(h.Read) > 20*time.Second {
			t.Errorf("read at %v", h.Read)
		}
		if n := strings.Count(log.String(), "last good copy"); n != 2 {
			t.Errorf("%d failures were logged, want the first of each kind:\n%s", n, log)
		}
	})
}

// A table is read when its database tells, and told of no longer when no policy has it.
func TestRemoteNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{}
		d.has("1 a g")
		decl := remoteDecl(func(s *schema.SQL) { s.Notify, s.Every = true, time.Hour })
		tables, diags := Load(decl, nil, d.find)
		if diags != nil {
			t.Fatal(diags)
		}
		did := tables.Get("did")
		watching(t, func() *Tables { return tables })
		time.Sleep(2 * time.Second)
		d.has("1 b g")
		d.tell(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := value(did, "1"); got != "b" {
			t.Errorf("got %s after a change was told", got)
		}
		d.tell(errors.New("connection reset"))
		d.has("1 c g")
		time.Sleep(15 * time.Second)
		synctest.Wait()
		h, _ := did.History()
		if got := value(did, "1"); got != "c" || h.Failed || !strings.Contains(h.Error, "reset") {
			t.Errorf("while changes are not told: %s, %+v", got, h)
		}
		d.fail(true)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if h, _ := did.History(); !h.Failed || h.Error == "" || strings.Contains(h.Error, "reset") {
			t.Errorf("while the table can't be read: %+v", h)
		}
		d.fail(false)
		d.tell(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		before := d.asked()
		time.Sleep(50 * time.Minute)
		h, _ = did.History()
		if n := d.asked() - before; h.Error != "" || h.Failed || n != 0 {
			t.Errorf("told again: %+v, read %d times in 50 min", h, n)
		}
		again, _ := Load(decl, tables, d.find)
		if again.Get("did") != did {
			t.Error("a reload reads a table that is declared alike")
		}
		other, _ := Load(remoteDecl(func(s *schema.SQL) {
			s.Where = []schema.Where{{Column: "grp",
				Value: "g"}}
		}), tables, d.find)
		if other.Get("did") == did {
			t.Error("a reload takes over a table that is declared otherwise")
		}
	})
}

// Without the database the server does not start, unless the policy says it may: then the table
// fills as soon as it can.
func TestRemoteStart(t *testing.T) {
	d := &database{silent: true}
	d.has("1 a g")
	d.fail(true)
	_, diags := Load(remoteDecl(nil), nil, d.find)
	if len(diags) != 1 || !strings.Contains(diags[0].Message, "cannot read the table did") {
		t.Errorf("required: %v", diags)
	}
	_, diags = Load(remoteDecl(func(s *schema.SQL) { s.Notify = true }), nil, d.find)
	if len(diags) != 1 || diags[0].Code != schema.WrongBackend {
		t.Errorf("a database that does not notify: %v", diags)
	}
	synctest.Test(t, func(t *testing.T) {
		tables, diags := Load(remoteDecl(func(s *schema.SQL) { s.Required = false }), nil, d.find)
		if diags != nil {
			t.Fatal(diags)
		}
		did := tables.Get("did")
		if h, _ := did.History(); !h.Failed || h.Error == "" || h.Version != 0 || did.Len(now) != 0 {
			t.Errorf("%+v", h)
		}
		watching(t, func() *Tables { return tables })
		d.fail(false)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if h, _ := did.History(); value(did, "1") != "a" || h.Version != 1 || h.Failed ||
			h.Error != "" {
			t.Errorf("%+v, %s", h, value(did, "1"))
		}
	})
	tables, diags := Load(remoteDecl(nil), nil, nil) // as validate does
	if diags != nil || tables.Get("did").Len(now) != 0 {
		t.Errorf("without databases: %v", diags)
	}
}

// Domains are keys, and what is below those whose value says so.
func TestServes(t *testing.T) {
	m := one(t, schema.Table{Kind: "map", Rows: pairs("a.example", "0", "b.example", "1",
		"c.example", "")})
	s := one(t, schema.Table{Kind: "set", Rows: pairs("b.example", "")})
	for host, want := range map[string][2]bool{
		"a.example": {true, false}, "x.a.example": {false, false}, "b.example": {true, true},
		"x.b.example": {true, false}, "y.x.b.example": {true, false}, "xb.example": {false, false},
		"x.c.example": {false, false}, "example": {false, false}, "": {false, false},
	} {
		if got := [2]bool{m.Serves([]byte(host)), s.Serves([]byte(host))}; got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
	host := []byte("y.x.b.example")
	if n := testing.AllocsPerRun(100, func() { m.Serves(host) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Tables are read before they are due when somebody asks.
func TestHasten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &database{}
		d.has("1 a g")
		tables, diags := Load(remoteDecl(func(s *schema.SQL) { s.Every = time.Hour }), nil, d.find)
		if diags != nil {
			t.Fatal(diags)
		}
		ctx, end := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { Watch(ctx, time.Second, func() *Tables { return tables }, silent) })
		d.has("1 b g")
		for _, step := range []struct {
			name, want string
			n          int
		}{{"other", "a", 0}, {"did", "b", 1}} {
			if n := tables.Hasten(step.name); n != step.n {
				t.Errorf("%s: %d tables, want %d", step.name, n, step.n)
			}
			time.Sleep(5 * time.Second)
			if got := value(tables.Get("did"), "1"); got != step.want {
				t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
		d.has("1 c g")
		tables.Hasten("")
		time.Sleep(5 * time.Second)
		if got := value(tables.Get("did"), "1"); got != "c" {
			t.Errorf("all: %s, want c", got)
		}
		end()
		watching.Wait()
	})
}
