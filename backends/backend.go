package backends

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"sipedge/schema"
)

var (
	// ErrNotFound: the backend answered, and there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrExists: the backend answered, and has a row with these keys already.
	ErrExists = errors.New("exists already")
	// ErrConflict: the backend answered, and did nothing, since somebody else did something at the
	// same time.
	ErrConflict = errors.New("somebody else was faster")
	// ErrRefused: the backend answered, and won't do it: there is no such table or column, a
	// value does not fit.
	ErrRefused = errors.New("refused by the backend")
	// ErrUnavailable: the backend could not answer, or was not asked since it lately could not.
	// An error of a driver that is none of the others is taken for it.
	ErrUnavailable = errors.New("backend unavailable")
	// ErrUnsupported: the driver can't do that at all.
	ErrUnsupported = errors.New("not supported by this backend")
)

// Driver makes backends of a kind.
type Driver struct {
	Name   string     // the key in a policy: postgres
	Doc    string     // one line
	Schema string     // CUE of its settings, a struct
	Inside bool       // all is in the process: tests of policies and proofs may open it
	Can    Capability // what a DB of it can do, known before it is opened; 0: not known
	// Relays: what it makes is a Media.
	Relays bool
	// Scans reports whether a backend of these settings is a Scanner; nil: none is.
	Scans func(settings *schema.Value) bool
	// Tag is the build tag that this program lacks for it, empty: none. With one no policy that
	// names the driver is loaded, and Open is nil.
	Tag string
	// Open makes a backend. It opens no connection: whoever asks first does, under his deadline.
	// Diagnostics are of settings that Schema could not refuse.
	Open func(o *Opening) (Backend, schema.Diagnostics)
}

// reads reports whether what it makes may answer questions.
func (d *Driver) reads() bool { return !d.Relays && (d.Can == 0 || d.Can&CanSelect != 0) }

// Opening is what a driver makes a backend of.
type Opening struct {
	Name     string        // of the backend in the policy
	Settings *schema.Value // passed the Driver's Schema
	Folder   string        // of the policy, for relative paths
	State    string        // folder that outlives the process; empty: there is none
	Log      *slog.Logger
	Look     bool // no file is made that is not there: Absent tells
	Alone    bool // no other backend is there, and is not missed: in the test of a policy
	// Other finds another backend of the policy, opened before; nil: there is none.
	Other func(name string) Backend
}

// Absent is what is wrong with a file, of the setting of a name, that is not there for who looks.
func (o *Opening) Absent(setting, file string) schema.Diagnostics {
	if !o.Look {
		return nil
	}
	_, err := os.Stat(file)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		d := o.Settings.Get(setting).Problem(schema.SilentBackend, "%s is not there", file)
		d.Hint = "`sipedge db init` makes it"
		return schema.Diagnostics{d}
	}
	return schema.Diagnostics{o.Settings.Get(setting).Problem(schema.BadValue, "%v", err)}
}

// Backend is what a driver opened. What it can do are the interfaces of this package that it
// implements: DB, Subscribers, Locations, Media.
type Backend interface {
	// Ping asks for a sign of life.
	Ping(ctx context.Context) error
	// Close ends it; no call is under way or comes after it.
	Close() error
}
