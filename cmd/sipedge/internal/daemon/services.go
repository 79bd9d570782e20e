package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sipedge/backends"
	"sipedge/schema"
)

// loadTime bounds how long the stores may read what they have from before.
const loadTime = time.Minute

// openServices opens the backends of the policy.
func (d *Daemon) openServices(src schema.Source) error {
	s, diags := backends.OpenServices(d.doc.Backends, backends.Host{
		State: d.cfg.State, Log: d.log, Reveal: revealer(d.cfg.Env),
	})
	if s == nil {
		return &Problems{src, diags}
	}
	d.data = s
	d.warn(diags)
	return nil
}

// loadServices has the stores read what they have from before; no message is read yet.
func (d *Daemon) loadServices() error {
	ctx, cancel := context.WithTimeout(context.Background(), loadTime)
	defer cancel()
	err := d.data.Load(ctx, time.Now())
	if errors.Is(err, backends.ErrRefused) {
		return fmt.Errorf("%w; `sipedge db check` tells, `sipedge db init` makes tables", err)
	}
	return err
}

func (d *Daemon) closeServices() {
	if err := d.data.Close(); err != nil {
		d.log.Warn("closing backends", "error", err)
	}
}
