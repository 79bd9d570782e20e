package data

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/router/drouting"
	"sipedge/router/hours"
	"sipedge/router/rates"
	"sipedge/schema"
)

// A table in a database:
//
//  1. it is read at the start, and when that fails the policy says what follows
//  2. Watch has it read when it is due or was told of, beside the traffic
//  3. rows that differ are swapped in; what can't be read changes nothing

// remote is where the rows of a table come from, in a database.
type remote struct {
	decl *schema.SQL
	db   backends.DB // nil: there is none, as in the test of a policy
	sets []string    // of gateways that rates may name

	told  atomic.Bool            // of a change, or that there is nobody to tell of one
	deaf  atomic.Pointer[string] // why changes are not told; nil: they are, or nobody asked
	busy  atomic.Bool            // it is being read
	due   atomic.Int64           // Unix nanoseconds
	wrong string                 // of the last failure; of who is busy
}

// readTime bounds how long the rows of a table may take to come.
const readTime = time.Minute

var errNull = errors.New("a row has no key: its column is NULL")

// connect takes the rows from a database.
func (t *Table) connect(decl *schema.SQL, databases func(name string) backends.DB) (
	diags schema.Diagnostics,
) {
	t.remote = &remote{decl: decl, sets: t.sets}
	t.content.Store(newContent(t.kind, 0, nil))
	if d := decl.Drouting; d != nil && d.Zone.S != "" {
		if _, ok := hours.Zone(d.Zone.S); !ok {
			return schema.Diagnostics{problem(d.Zone, schema.BadValue,
				fmt.Sprintf("%q is not a time zone; write it like Europe/Berlin", d.Zone.S))}
		}
	}
	if databases == nil {
		return nil
	}
	wrong := func(format string, args ...any) schema.Diagnostics {
		d := problem(decl.Backend, schema.WrongBackend, fmt.Sprintf(format, args...))
		return schema.Diagnostics{d}
	}
	db := databases(decl.Backend.S)
	switch {
	case db == nil || db.Can()&backends.CanSelect == 0:
		return wrong("%q is no database to read tables from", decl.Backend.S)
	case decl.Notify && db.Can()&backends.CanNotify == 0:
		return wrong("%q does not tell of changes: `refresh: 60s` asks for them", decl.Backend.S)
	}
	t.remote.db = db
	c, err := t.remote.read(context.Background(), t.kind)
	switch {
	case err == nil:
		t.begin(c)
		t.remote.later(decl.Every)
		if c.left.Rules > 0 {
			d := problem(decl.Backend, schema.BadTable, fmt.Sprintf("rules of %s that are left out: %d; "+
				"the first is %s", decl.Table, c.left.Rules, c.left.First))
			d.Severity = schema.Warning
			return schema.Diagnostics{d}
		}
	case decl.Required:
		d := problem(decl.Backend, schema.BadTable,
			fmt.Sprintf("cannot read the table %s: %v", decl.Table, err))
		d.Hint = "`required: false` has the server start without it"
		if errors.Is(err, backends.ErrRefused) {
			d.Hint = hint(decl.Table)
		} else if _, odd := errors.AsType[*oddError](err); odd {
			d.Hint = "`drouting: {leave_out: true}` reads it without them: their calls go by the others"
		}
		return schema.Diagnostics{d}
	default:
		t.history.failure(err)
		t.remote.later(retryAfter)
	}
	return nil
}

// hint is what helps where a database has no such table.
func hint(table string) string {
	if slices.ContainsFunc(backends.Tables, func(t backends.Table) bool { return t.Name == table }) {
		return "`sipedge db check` tells, `sipedge db init` makes tables"
	}
	return "`sipedge db init` makes no such table: whoever writes its rows does"
}

// retryAfter is when what could not be read is read again, at the latest.
const retryAfter = 10 * time.Second

// later says when the table is due. Many servers do not read at once.
func (r *remote) later(d time.Duration) {
	d += rand.N(d/5+1) - d/10
	r.due.Store(time.Now().Add(d).UnixNano())
}

// sameRemote reports whether t is a table in a database that o is declared alike as.
func (t *Table) sameRemote(o *Table, decl *schema.SQL) bool {
	if t == nil || t.remote == nil || t.remote.db == nil || decl == nil || t.kind != o.kind ||
		!slices.Equal(t.sets, o.sets) {
		return false
	}
	a, b := *t.remote.decl, *decl
	for _, s := range []*schema.SQL{&a, &b} {
		s.Backend.Pos = schema.Pos{}
		if s.Drouting != nil {
			d := *s.Drouting
			d.Zone.Pos, s.Drouting = schema.Pos{}, &d
		}
	}
	return reflect.DeepEqual(a, b)
}

// read reads all rows.
func (r *remote) read(ctx context.Context, kind Kind) (*content, error) {
	switch kind {
	case Rates:
		return r.readRates(ctx)
	case Address:
		return r.readAddresses(ctx)
	}
	d := r.decl
	columns := d.Key
	if d.Value != "" {
		columns = append(columns[:len(columns):len(columns)], d.Value)
	}
	rows, err := r.selected(ctx, columns, d.Key[0])
	if err != nil {
		return nil, err
	}
	c := newContent(kind, len(rows), nil)
	var key strings.Builder
	for _, row := range rows {
		key.Reset()
		for i := range d.Key {
			if row[i] == nil {
				return nil, errNull
			}
			if i > 0 {
				key.WriteString(d.Separator)
			}
			key.WriteString(backends.Text(row[i]))
		}
		text, value := key.String(), ""
		if d.Lower {
			text = strings.ToLower(text)
		}
		if d.Value != "" {
			value = backends.Text(row[len(d.Key)])
		}
		if err := c.add(kind, []byte(text), []byte(value)); err != nil {
			return nil, fmt.Errorf("key %q: %w", text, err)
		}
	}
	return c, nil
}

// selected asks for the columns of the rows that count.
func (r *remote) selected(ctx context.Context, columns []string, by string) (
	[]backends.Row, error,
) {
	q := backends.Select{Table: r.decl.Table, Columns: columns, OrderBy: by}
	for _, w := range r.decl.Where {
		q.Where = append(q.Where, backends.Where{Column: w.Column, Op: backends.Equal, Value: w.Value})
	}
	return r.all(ctx, q)
}

// all asks for rows, which are no more than the policy allows.
func (r *remote) all(ctx context.Context, q backends.Select) ([]backends.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	d := r.decl
	q.Limit = d.MaxRows + 1
	rows, err := r.db.Select(ctx, q)
	if err == nil && len(rows) > d.MaxRows {
		err = fmt.Errorf("more than %d rows, which max_rows allows", d.MaxRows)
	}
	return rows, err
}

// readDrouting reads rows of rates from the tables of OpenSIPS's drouting.
func (r *remote) readDrouting(ctx context.Context) (*content, error) {
	var t drouting.Tables
	var err error
	d := r.decl.Drouting
	if t.Rules, err = r.selected(ctx, drouting.RuleColumns, "ruleid"); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		table   string
		columns []string
		into    *[]backends.Row
	}{{d.Carriers, drouting.CarrierColumns, &t.Carriers},
		{d.Gateways, drouting.GatewayColumns, &t.Gateways}} {
		q := backends.Select{Table: one.table, Columns: one.columns, OrderBy: one.columns[0]}
		if *one.into, err = r.all(ctx, q); err != nil {
			return nil, fmt.Errorf("%s: %w", one.table, err)
		}
	}
	c := &content{}
	c.rates, c.left, err = drouting.Read(&t, d, r.sets)
	if err == nil && c.left.Rules > 0 && !d.LeaveOut {
		return nil, &oddError{c.left}
	}
	return c, err
}

// oddError is of rules that can't be meant here. Left out they would bar no calls any more.
type oddError struct{ left drouting.Left }

func (e *oddError) Error() string {
	return fmt.Sprintf("rules that can't be meant here: %d; the first is %s", e.left.Rules,
		e.left.First)
}

// readRates reads rows of rates.
func (r *remote) readRates(ctx context.Context) (*content, error) {
	if r.decl.Drouting != nil {
		return r.readDrouting(ctx)
	}
	names := []string{"prefix", "gateways", "cost"}
	columns := names
	if given := r.decl.Rates; len(given) > 0 {
		names, columns = nil, nil
		for _, c := range given {
			names, columns = append(names, c.Name), append(columns, c.Column)
		}
	}
	rows, err := r.selected(ctx, columns, columns[0])
	if err != nil {
		return nil, err
	}
	c := &content{}
	c.rates, err = rates.ReadRows(names, rows, r.sets)
	return c, err
}

// reread reads the rows again. It logs the first of failures that are the same, what changed, and
// what is left out when that is not what it was.
func (t *Table) reread(ctx context.Context, log *slog.Logger) {
	r := t.remote
	r.told.Store(false)
	c, err := r.read(ctx, t.kind)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if first := t.history.failure(err); first || r.wrong != err.Error() {
			r.wrong = err.Error()
			log.Error("table not reloaded: the last good copy stays",
				"table", t.name, "backend", r.decl.Backend.S, "error", err)
		}
		r.later(min(r.decl.Every, retryAfter))
	default:
		recovered := t.history.failed()
		r.wrong = ""
		before := t.content.Load()
		changed := t.history.version.Load() == 0 || !c.equal(before)
		if changed || c.left != before.left {
			t.content.Store(c)
		}
		if c.left != before.left && c.left.Rules > 0 {
			log.Warn("rules of the table are left out", "table", t.name,
				"backend", r.decl.Backend.S, "rules", c.left.Rules, "first", c.left.First)
		}
		t.history.success(changed)
		r.later(r.every())
		if changed || recovered {
			log.Info("table reloaded", "table", t.name, "rows", c.len())
		}
	}
}

// wants reports whether it is time to read the table.
func (r *remote) wants(now time.Time) bool {
	return r.db != nil && (r.told.Load() || now.UnixNano() >= r.due.Load())
}

// listen has the database tell of changes until ctx ends.
func (r *remote) listen(ctx context.Context) {
	n, ok := r.db.(backends.Notifier)
	for ok && ctx.Err() == nil {
		if err := n.Notified(ctx, r.decl.Table, r.hear); ctx.Err() == nil {
			r.hear(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

// hear notes that the table may have changed, or why nobody tells of that.
func (r *remote) hear(lost error) {
	var deaf *string
	if lost != nil {
		why := "changes are not told: " + lost.Error()
		deaf = &why
	}
	if was := r.deaf.Swap(deaf); was == nil || deaf == nil {
		r.told.Store(true)
	}
}

// every is how long the rows are taken for what the table has.
func (r *remote) every() time.Duration {
	if r.deaf.Load() != nil {
		return min(r.decl.Every, retryAfter)
	}
	return r.decl.Every
}
