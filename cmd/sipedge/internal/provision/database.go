package provision

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/schema"
)

// open opens the database that the flags name; close ends it.
func (c *command) open() (db backends.DB, close func(), err error) {
	switch {
	case c.db != "" && c.config != "":
		return nil, nil, errors.New("--db or --config, not both")
	case c.db != "" && c.backend != "":
		return nil, nil, errors.New("--backend is one of the policy that --config names")
	case c.config != "":
		return c.declared()
	case c.db == "":
		return nil, nil, errors.New("which database? --config POLICY, or --db " + examples())
	}
	db, err = c.direct()
	if err != nil {
		return nil, nil, err
	}
	return db, func() { _ = db.Close() }, nil
}

// direct opens --db; what is wrong with it is wrong with the arguments.
func (c *command) direct() (backends.DB, error) {
	f := slices.IndexFunc(forms, func(f form) bool { return strings.HasPrefix(c.db, f.begin) })
	if f < 0 || c.db == forms[f].begin {
		return nil, errors.New("--db is " + examples())
	}
	name, key, value := forms[f].driver, forms[f].key, c.db
	if !forms[f].whole {
		value = strings.TrimPrefix(c.db, forms[f].begin)
	}
	i := slices.IndexFunc(c.Drivers, func(d backends.Driver) bool { return d.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("--db: this build has no driver %s", name)
	}
	settings := schema.Value{Kind: schema.Map, Keys: []schema.Key{
		{Name: key, Value: text(value)}, {Name: timeout, Value: c.bound()}}}
	b, diags := c.Drivers[i].Open(&backends.Opening{
		Name: name, Settings: &settings, Folder: ".", Log: slog.New(slog.DiscardHandler),
		Look: !c.makes,
	})
	if absent(diags) {
		return nil, exit.With(exit.Unreachable, fmt.Errorf("%s: %s", diags[0].Message, diags[0].Hint))
	}
	if diags.HasErrors() {
		return nil, fmt.Errorf("--db: %s", diags[0].Message)
	}
	db, ok := b.(backends.DB)
	if !ok {
		return nil, fmt.Errorf("%s keeps no tables", name)
	}
	return db, nil
}

// declared opens the database among the backends of a policy. A call may take as long as
// --timeout says, not as the policy does of calls of its own.
func (c *command) declared() (backends.DB, func(), error) {
	doc, _, diags, err := schema.Load(c.config, c.Vocabulary())
	if err != nil {
		return nil, nil, exit.With(exit.Unreachable, err)
	}
	if doc == nil {
		return nil, nil, exit.With(exit.Problems, fmt.Errorf("%s (`sipedge validate` tells all)",
			firstError(diags)))
	}
	list := slices.Clone(doc.Backends)
	for i := range list {
		list[i].Settings = within(list[i].Settings, c.bound())
	}
	services, diags := backends.OpenServices(list, backends.Host{
		Log: slog.New(slog.DiscardHandler),
		Reveal: func(text string) (string, error) {
			return schema.Reveal(text, c.Env, os.ReadFile)
		},
		Look: !c.makes,
	})
	if absent(diags) {
		return nil, nil, exit.With(exit.Unreachable, errors.New(firstError(diags)))
	}
	if diags.HasErrors() {
		return nil, nil, exit.With(exit.Problems, errors.New(firstError(diags)))
	}
	var names []string
	var found backends.DB
	services.Each(func(name string, b backends.Backend) {
		db, ok := b.(backends.DB)
		if _, makes := b.(backends.Migrator); ok && makes && (c.backend == "" || c.backend == name) {
			names, found = append(names, name), db
		}
	})
	if len(names) == 1 {
		return found, func() { _ = services.Close() }, nil
	}
	_ = services.Close()
	switch {
	case c.backend != "":
		return nil, nil, fmt.Errorf("%s has no database %q", c.config, c.backend)
	case found == nil:
		return nil, nil, fmt.Errorf("%s has no database", c.config)
	}
	return nil, nil, fmt.Errorf("which database of %s? --backend %s", c.config,
		strings.Join(names, " or "))
}

const timeout = "timeout" // a setting of every database

func text(s string) schema.Value { return schema.Value{Kind: schema.String, S: s} }

func (c *command) bound() schema.Value {
	return text(fmt.Sprintf("%dms", c.timeout.Milliseconds()))
}

// within is settings with another timeout.
func within(settings *schema.Value, bound schema.Value) *schema.Value {
	s := *settings
	s.Keys = slices.DeleteFunc(slices.Clone(s.Keys), func(k schema.Key) bool {
		return k.Name == timeout
	})
	s.Keys = append(s.Keys, schema.Key{Name: timeout, Value: bound})
	return &s
}

// absent reports whether what is wrong is that a file is not there.
func absent(diags schema.Diagnostics) bool {
	return len(diags) > 0 && diags[0].Code == schema.SilentBackend
}

func firstError(diags schema.Diagnostics) string {
	i := slices.IndexFunc(diags, func(d schema.Diagnostic) bool { return d.Severity == schema.Error })
	return diags[max(i, 0)].String()
}
