package backends

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sipedge/schema"
)

// opened is a backend that remembers what became of it.
type opened struct {
	name   string
	closed bool
}

func (o *opened) Ping(context.Context) error { return nil }
func (o *opened) Close() error               { o.closed = true; return nil }

// store is one that keeps bindings.
type store struct {
	opened
	Locations
}

// services opens what a policy declares: "name driver setting", a setting that begins with @ being
// the name of another backend.
func services(
	t *testing.T, before *Services, reveal func(string) (string, error), declared ...string,
) (*Services, schema.Diagnostics) {
	t.Helper()
	open := func(make func(name string) Backend) Driver {
		return Driver{Open: func(o *Opening) (Backend, schema.Diagnostics) {
			v := o.Settings.Get("to")
			if other, ok := strings.CutPrefix(v.S, "@"); ok && o.Other(other) == nil || v.S == "bad" {
				return nil, schema.Diagnostics{v.Problem(schema.BadValue, "%s", v.S)}
			}
			return make(o.Name), nil
		}}
	}
	drivers := map[string]Driver{
		"db":    open(func(name string) Backend { return &opened{name: name} }),
		"store": open(func(name string) Backend { return &store{opened: opened{name: name}} }),
	}
	var list []schema.Backend
	for _, d := range declared {
		f := strings.Fields(d)
		settings, diags := schema.ReadData("x.yaml", fmt.Appendf(nil, "to: %q", f[2]))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		list = append(list, schema.Backend{
			Name: f[0], Driver: f[1], Maker: drivers[f[1]], Settings: &settings,
		})
	}
	return OpenServices(list, Host{Before: before, Reveal: reveal})
}

// names are the names of backends.
func names(s *Services) string {
	var all []string
	s.Each(func(name string, _ Backend) { all = append(all, name) })
	return strings.Join(all, " ")
}

// What is declared as before goes on; what is not is opened beside it.
func TestServicesGoOn(t *testing.T) {
	first := []string{"a db 1", "b db 2", "c db @a", "l store @b"}
	for _, c := range []struct {
		name           string
		then           []string
		added, removed string
	}{
		{"the same", first, "", ""},
		{"in another order", []string{"l store @b", "c db @a", "b db 2", "a db 1"}, "", ""},
		{"one more", append([]string{"d db 1"}, first...), "d", ""},
		{"one less", []string{"b db 2", "l store @b"}, "", "a c"},
		{"another setting, and who uses it", []string{"a db 9", "b db 2", "c db @a", "l store @b"},
			"a c", "a c"},
		{"another driver", []string{"a store 1", "b db 2", "c db @b", "l store @b"}, "a c", "a c"},
		{"a secret", []string{"a db secret", "b db 2", "c db @a", "l store @b"}, "a c", "a c"},
		{"a store less", []string{"a db 1", "c db @a"}, "", "b l"},
	} {
		before, diags := services(t, nil, nil, first...)
		if diags != nil {
			t.Fatal(diags)
		}
		now, diags := services(t, before, func(s string) (string, error) { return s, nil }, c.then...)
		if diags != nil {
			t.Errorf("%s: %v", c.name, diags)
			continue
		}
		if got := names(now.Without(before)); got != c.added {
			t.Errorf("%s: opened %q, want %q", c.name, got, c.added)
		}
		if got := names(before.Without(now)); got != c.removed {
			t.Errorf("%s: removed %q, want %q", c.name, got, c.removed)
		}
		before.Each(func(name string, b Backend) {
			if o, ok := b.(*opened); ok && o.closed {
				t.Errorf("%s: %s was closed by the opening of others", c.name, name)
			}
		})
	}
}

// A secret is a setting like others, by what it stands for.
func TestServicesSecret(t *testing.T) {
	word := "one"
	reveal := func(s string) (string, error) { return strings.ReplaceAll(s, "$", word), nil }
	before, _ := services(t, nil, reveal, "a db $", "b db 1")
	word = "two"
	now, _ := services(t, before, reveal, "a db $", "b db 1")
	if got := names(now.Without(before)); got != "a" {
		t.Errorf("opened %q, want a", got)
	}
}

// What can't be opened leaves what runs as it is, and nothing that was opened beside it.
func TestServicesRefused(t *testing.T) {
	first := []string{"a db 1", "b db 2", "l store @b"}
	for _, c := range []struct {
		name string
		then []string
		want string
	}{
		{"a mistake", []string{"n db 1", "a db 1", "b db bad"}, "bad"},
		{"a store with other settings", []string{"n db 1", "b db 2", "l store @n"},
			`the location store "l" can't change`},
		{"a store whose database has", []string{"n db 1", "b db 9", "l store @b"},
			`the location store "l" can't change`},
	} {
		before, _ := services(t, nil, nil, first...)
		now, diags := services(t, before, nil, c.then...)
		if now != nil || len(diags) != 1 || !strings.Contains(diags[0].Message, c.want) {
			t.Errorf("%s: %v, want %q", c.name, diags, c.want)
		}
		before.Each(func(name string, b Backend) {
			if o, ok := b.(*opened); ok && o.closed {
				t.Errorf("%s: %s was closed", c.name, name)
			}
		})
	}
}

// A backend that was closed answers nothing, and is not asked.
func TestClosedIsNotAsked(t *testing.T) {
	g := NewGate("db", Limits{Calls: 1, Waiting: 1})
	g.Shut()
	_, err := Ask(context.Background(), g, func(context.Context) (int, error) {
		t.Error("it was asked")
		return 0, nil
	})
	if !errors.Is(err, ErrUnavailable) || g.Stats().Refused != 1 {
		t.Errorf("%v, %+v, want ErrUnavailable and one refused", err, g.Stats())
	}
}
