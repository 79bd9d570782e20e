package proxy_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/siptest"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// TestConversations plays the flows in testdata against a proxy under the
// policy of the same file. At the end nothing may be left of them.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			siptest.RunFile(t, name, start)
		})
	}
}

func start(t *testing.T, net *mem.Network, files map[string]string) func() error {
	pol, err := parsePolicy(files["policy"])
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, net, pol)
	return func() error { return w.idle(files["stats"]) }
}

// world is a proxy on a network with the least of a router around it.
type world struct {
	policy *policy
	layer  *transaction.Layer
	proxy  *proxy.Proxy
	self   *job.Self
	msg    sip.Message
	panics int
}

func newWorld(t *testing.T, net *mem.Network, pol *policy) *world {
	if pol.listeners == nil {
		for _, a := range []string{"udp 10.0.0.9:5060", "tcp 10.0.0.9:5060"} {
			if err := pol.line("listen " + a); err != nil {
				t.Fatal(err)
			}
		}
	}
	node, err := net.Node(pol.listeners...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{policy: pol, self: job.NewSelf(node.Listeners(), nil, pol.aliases)}
	w.proxy = proxy.New(proxy.Config{
		Sender: node, Resolver: pol, Pool: &pool{net, pol}, Clock: net.Now,
		Secret: [32]byte{1, 2, 3},
	})
	w.layer = transaction.New(transaction.Config{
		Sender: node, User: w, Clock: net.Now, Wake: node.Wake, Secret: [16]byte{4},
	})
	w.proxy.SetLayer(w.layer)
	pol.settings.Self = w.self
	w.proxy.SetSettings(&pol.settings)
	pol.proxy = w.proxy
	node.Advance = w.layer.Advance
	node.Start(w)
	return w
}

// pool runs a look-up when its answer is due.
type pool struct {
	net *mem.Network
	pol *policy
}

func (p *pool) Go(f func(context.Context)) bool {
	if p.pol.pool == 0 {
		return false
	}
	p.pol.pool--
	after := time.Duration(0)
	for _, n := range p.pol.names {
		after = max(after, n.after)
	}
	p.net.After(after, func() {
		p.pol.pool++
		f(context.Background())
	})
	return true
}

func (w *world) Receive(f transport.Flow, b []byte) {
	defer func() {
		if r := recover(); r != nil {
			w.panics++
		}
	}()
	if err := w.msg.Parse(b); err != nil {
		w.proxy.Refuse(f, &w.msg, 400, err.Error())
		return
	}
	if w.msg.IsRequest() {
		w.msg.MarkReceived(f.Remote, false)
	}
	w.layer.Receive(f, &w.msg)
}

func (w *world) Failed(_ transport.Flow, ref uint64, err error) {
	w.layer.TransportFailed(ref, err)
}
func (w *world) Closed(transport.Flow) {}

func (w *world) Request(f transport.Flow, m *sip.Message) {
	if m.Method() == sip.ACK && w.proxy.TagAbsorbs(m) {
		return
	}
	j := job.Get()
	defer job.Put(j)
	j.Place, j.Flow, j.Msg, j.Self = schema.InRequest, f, m, w.self
	j.Received = j.Bytes(m.RURI())
	w.policy.route("request").Run(context.Background(), j)
	if !j.Answered {
		w.proxy.Reply(j, 404, "", nil, false)
	}
}

func (w *world) Cancelled(s transaction.Server, word uint64, m *sip.Message) {
	w.proxy.Cancelled(s, word, m)
}

func (w *world) Response(
	c transaction.Client, word uint64, f transport.Flow, m *sip.Message, err error,
) {
	w.proxy.Response(c, word, f, m, err)
}
func (w *world) Stray(f transport.Flow, m *sip.Message)  { w.proxy.Stray(f, m) }
func (w *world) Ended(s transaction.Server, word uint64) { w.proxy.Ended(s, word) }

// idle holds the counters against lines "Name n", and wants no state left.
func (w *world) idle(stats string) error {
	if n := w.proxy.Stats().LiveContexts; n != 0 {
		return fmt.Errorf("%d response contexts left", n)
	}
	if s := w.layer.Stats(); s.LiveClients != 0 || s.LiveServers != 0 {
		return fmt.Errorf("%d client and %d server transactions left", s.LiveClients, s.LiveServers)
	}
	got := strings.Fields(strings.NewReplacer(":", " ", "{", " ", "}", " ").
		Replace(fmt.Sprintf("%+v Panics:%d", w.proxy.Stats(), w.panics)))
	for _, line := range strings.Split(strings.TrimSpace(stats), "\n") {
		name, want, _ := strings.Cut(line, " ")
		for i := 0; i < len(got)-1; i += 2 {
			if got[i] == name && got[i+1] != want {
				return fmt.Errorf("%s is %s, want %s", name, got[i+1], want)
			}
		}
	}
	return nil
}
