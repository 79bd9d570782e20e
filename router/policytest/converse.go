package policytest

import (
	"errors"
	"fmt"
	"log/slog"

	"sipedge/router"
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/siptest"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// converse plays the flow of a case against a router of its own. What went wrong
// is told with the ladder of messages.
func (f *File) converse(c *Case, s *Scene) string {
	var r *router.Router
	ladder, err := siptest.Play(c.Flow, func(net *mem.Network) (func() error, error) {
		doc := f.documentOf(c)
		node, err := net.Node(listeners(doc)...)
		if err != nil {
			return nil, err
		}
		s.w = &world{net: net, node: node, hosts: f.hosts, scene: s}
		r = router.New(router.Config{
			Sender: node, Resolver: f.hosts, Pool: pool{net}, Clock: net.Now, Wake: node.Wake,
			Timers: transaction.Timers{
				T1: doc.Timers.T1, T2: doc.Timers.T2, T4: doc.Timers.T4,
			},
			Secret: [32]byte{1}, Log: slog.New(recorder{w: s.w}),
			Trace: func(transport.Flow, *sip.Message) *job.Trace { return &s.Trace },
		})
		node.Advance = r.Advance
		policy, diags := r.Compile(doc)
		if policy == nil {
			return nil, fmt.Errorf("the policy was refused: %s", diags[0])
		}
		if err := r.Startup(policy); err != nil {
			return nil, err
		}
		r.Swap(policy)
		node.Start(r)
		return func() error {
			if !r.Idle() {
				return errors.New("transactions are left in memory")
			}
			return nil
		}, nil
	})
	if r != nil {
		s.Panics = r.Stats().Panics
		s.name()
	}
	if err == nil {
		return ""
	}
	text := "flow: " + err.Error()
	if ladder != "" {
		text += "\n" + ladder
	}
	return text
}
