package backends

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Stub stands for a database in the test of a policy: rows that the test gives, read only. A
// table it does not have is empty, a column that a row does not have is NULL.
type Stub struct {
	Tables map[string][]map[string]Value // by name, rows by column
	Users  []StubUser                    // who are in its table of subscribers, wherever that is
	Fails  bool                          // it can't answer, once Begin was called
	Blind  bool                          // the driver reads nothing
	Takes  time.Duration                 // how long an answer does, once Begin was called
	within time.Duration                 // what takes longer is left: the policy's timeout
	begun  bool
}

// StubUser is one by name, and domain unless it is empty: then in any.
type StubUser struct {
	Name, Domain, Password string
	Columns                map[string]Value // what else is known
}

var (
	errStub = fmt.Errorf("%w: so says the test", ErrUnavailable)
	errLate = fmt.Errorf("%w: %w", ErrUnavailable, context.DeadlineExceeded)
)

// waiting is the key of what lets time pass in the world of a test.
type waiting struct{}

// WithWait is a context in which stubs that take their time wait by f.
func WithWait(ctx context.Context, f func(time.Duration)) context.Context {
	return context.WithValue(ctx, waiting{}, f)
}

// Begin is called when the router has started, before the first message.
func (s *Stub) Begin() { s.begun = true }

// answer lets the time of an answer pass, and is its error.
func (s *Stub) answer(ctx context.Context) error {
	if !s.begun {
		return nil
	}
	late := s.within > 0 && s.Takes > s.within
	if wait, ok := ctx.Value(waiting{}).(func(time.Duration)); ok && s.Takes > 0 {
		if late {
			wait(s.within)
		} else {
			wait(s.Takes)
		}
	}
	switch {
	case late:
		return errLate
	case s.Fails:
		return errStub
	}
	return nil
}

// Ping is Backend's.
func (s *Stub) Ping(ctx context.Context) error { return s.answer(ctx) }

// Close is Backend's.
func (s *Stub) Close() error { return nil }

// Can is DB's: it notifies of nothing, since nothing changes.
func (s *Stub) Can() Capability {
	if s.Blind {
		return CanNotify
	}
	return CanSelect | CanNotify
}

// Notified is Notifier's.
func (s *Stub) Notified(ctx context.Context, _ string, f func(lost error)) error {
	f(nil)
	<-ctx.Done()
	return ctx.Err()
}

// Select is DB's.
func (s *Stub) Select(ctx context.Context, q Select) ([]Row, error) {
	if err := s.answer(ctx); err != nil {
		return nil, err
	}
	var out []Row
	for _, row := range s.Tables[q.Table] {
		if !holds(q.Where, row) {
			continue
		}
		r := make(Row, len(q.Columns))
		for i, c := range q.Columns {
			r[i] = row[c]
		}
		out = append(out, r)
	}
	if out = out[min(q.Offset, len(out)):]; q.Limit > 0 {
		out = out[:min(q.Limit, len(out))]
	}
	return out, nil
}

// holds reports whether a row fulfils conditions. Order is by text, which all here have.
func holds(where []Where, row map[string]Value) bool {
	for _, w := range where {
		has := row[w.Column]
		order := strings.Compare(Text(has), Text(w.Value))
		same := order == 0 && (has == nil) == (w.Value == nil)
		ok := map[Op]bool{
			Equal: same, NotEqual: !same, Less: order < 0, LessEqual: order <= 0,
			Greater: order > 0, GreaterEqual: order >= 0,
		}[w.Op]
		if !ok {
			return false
		}
	}
	return true
}

// Insert is DB's.
func (s *Stub) Insert(context.Context, string, []string, ...Row) error { return ErrUnsupported }

// Update is DB's.
func (s *Stub) Update(context.Context, string, []Cell, []Where) (int, error) {
	return 0, ErrUnsupported
}

// Delete is DB's.
func (s *Stub) Delete(context.Context, string, []Where) (int, error) { return 0, ErrUnsupported }

// Upsert is DB's.
func (s *Stub) Upsert(context.Context, string, []string, []Cell) error { return ErrUnsupported }

// subscribers are its users, with the columns that are asked for.
func (s *Stub) subscribers(columns []string) Subscribers { return stubUsers{s, columns} }

type stubUsers struct {
	stub    *Stub
	columns []string
}

// Credential is Subscribers'.
func (u stubUsers) Credential(ctx context.Context, user, domain, _ string) (*Credential, error) {
	if err := u.stub.answer(ctx); err != nil {
		return nil, err
	}
	var found *Credential
	for i := range u.stub.Users {
		one := &u.stub.Users[i]
		if one.Name != user || domain != "" && one.Domain != "" && one.Domain != domain {
			continue
		}
		if found != nil {
			return nil, errSeveral
		}
		found = &Credential{Password: one.Password}
		for _, c := range u.columns {
			found.Extra = append(found.Extra, Cell{c, one.Columns[c]})
		}
	}
	if found == nil {
		return nil, fmt.Errorf("subscriber: %w", ErrNotFound)
	}
	return found, nil
}

// Unanswering stands for a location store that can't answer, in the test of a policy.
type Unanswering struct{}

// Ping is Backend's.
func (Unanswering) Ping(context.Context) error { return errStub }

// Close is Backend's.
func (Unanswering) Close() error { return nil }

// Traits is Locations'.
func (Unanswering) Traits() Traits { return Traits{} }

// Update is Locations'.
func (Unanswering) Update(context.Context, []byte, time.Time, Change) error { return errStub }

// Lookup is Locations'.
func (Unanswering) Lookup(context.Context, []byte, time.Time, *Set) error { return errStub }

// All is Locations'.
func (Unanswering) All(context.Context, time.Time, func([]byte, *Set) bool) error {
	return errStub
}

// Watch is Locations'.
func (Unanswering) Watch(func(Event)) {}

// Advance is Locations'.
func (Unanswering) Advance(time.Time) time.Time { return time.Time{} }
