package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/keys"
	"sipedge/schema"
)

// loadTime bounds how long the stores may read what they have from before.
const loadTime = time.Minute

// openServices opens the backends of a policy, beside those of the one that runs.
func (d *Daemon) openServices(
	doc *schema.Document, src schema.Source,
) (*backends.Services, error) {
	s, diags := backends.OpenServices(doc.Backends, backends.Host{
		State: d.cfg.State, Log: d.log, Reveal: keys.Revealer(d.cfg.Env), Before: d.data.Load(),
	})
	if s == nil {
		return nil, &Problems{src, diags, true}
	}
	d.warn(diags)
	return s, nil
}

// addServices is openServices of a reload: the stores that are new have read what they have.
func (d *Daemon) addServices(
	ctx context.Context, doc *schema.Document, src schema.Source,
) (all, added *backends.Services, err error) {
	if all, err = d.openServices(doc, src); err != nil {
		return nil, nil, err
	}
	added = all.Without(d.data.Load())
	if err := d.loadServices(ctx, added); err != nil {
		d.closeServices(added)
		return nil, nil, &unfitError{err}
	}
	return all, added, nil
}

// replaceServices has the backends of the policy that runs be others. Those that it has not get a
// while for what began under the policy before.
func (d *Daemon) replaceServices(all *backends.Services) {
	removed := d.data.Swap(all).Without(all)
	d.events.Watch(all, d.turned)
	d.running.Go(func() {
		select {
		case <-d.ends.Done():
		case <-time.After(closeTime):
		}
		removed.Each(func(name string, b backends.Backend) {
			if l, ok := b.(backends.Locations); ok {
				d.router.Forget(l)
			}
			d.log.Info("backend closed", "backend", name)
		})
		d.closeServices(removed)
	})
}

// turned logs that a backend can't answer, once, and that it does again.
func (d *Daemon) turned(backend string, turn backends.Turn) {
	switch {
	case turn.Was == backends.Closed:
		d.log.Warn("backend can't answer: it is spared", "backend", backend, "error", turn.Cause)
	case turn.Is == backends.Closed:
		d.log.Info("backend answers again", "backend", backend)
	}
}

// loadServices has stores read what they have from before; no message asks them yet.
func (d *Daemon) loadServices(ctx context.Context, s *backends.Services) error {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	err := s.Load(ctx, time.Now())
	if errors.Is(err, backends.ErrRefused) {
		return fmt.Errorf("%w; `sipedge db check` tells, `sipedge db init` makes tables", err)
	}
	return err
}

func (d *Daemon) closeServices(s *backends.Services) {
	if err := s.Close(); err != nil {
		d.log.Warn("closing backends", "error", err)
	}
}
