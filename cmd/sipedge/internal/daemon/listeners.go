package daemon

import (
	"context"
	"time"

	"sipedge/router"
	"sipedge/sip/transport"
)

// closeTime is what a removed listener gets for what is queued to leave, and a removed backend for
// what is under way.
const closeTime = 5 * time.Second

// replace has a policy run, and the listeners of a change be those of the server. What arrives by a
// new one in this moment may still meet the policy before.
func (d *Daemon) replace(policy *router.Policy, c *transport.Change) {
	d.router.SetListeners(c.Listeners())
	c.Open()
	sendBy(d.names, c.Listeners())
	d.router.Swap(policy)
	for _, l := range c.Added {
		d.tellListener("listening", l)
	}
	for _, l := range c.Removed {
		d.tellListener("listener removed", l)
	}
	d.lent.lend(c.Listeners())
	if len(c.Removed) > 0 {
		d.running.Go(func() { d.closeRemoved(c) })
	}
}

func (d *Daemon) closeRemoved(c *transport.Change) {
	ctx, cancel := context.WithTimeout(d.ends, closeTime)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		d.log.Warn("closing listeners", "error", err)
	}
}

func (d *Daemon) tellListener(message string, l transport.Listener) {
	d.log.Info(message, "transport", l.Transport.String(), "addr", l.Addr.String())
}
