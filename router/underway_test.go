package router

import (
	"testing"
	"time"

	"sipedge/router/uac"
	"sipedge/sip/transport/mem"
)

// What has no final response yet is under way, and what waits on the pool; not what lingers.
func TestUnderWay(t *testing.T) {
	const relay = `{relay: {to: "sip:10.0.0.2"}}`
	type moment struct {
		at   time.Duration
		want int64
	}
	for _, tt := range []struct {
		name, policy, method string
		answer               int // of the callee; 0: none
		want                 []moment
	}{
		{"answered", `  request: [{do: [` + relay + `]}]`, "INVITE", 200, []moment{{1, 0}}},
		{"refused", `  request: [{do: [` + relay + `]}]`, "INVITE", 486, []moment{{1, 0}}},
		{"ringing", `  request: [{do: [` + relay + `]}]`, "INVITE", 180, []moment{{1, 2}, {100, 2}}},
		{"by name", `  request: [{do: [{relay: {to: "sip:bob.test"}}]}]`, "MESSAGE", 200,
			[]moment{{0, 2}, {1, 0}}},
		{"silence", `  request: [{do: [{relay: {to: "sip:10.0.0.2", fr_timer: 2s}}]}]`, "MESSAGE", 0,
			[]moment{{1, 2}, {3, 0}}},
		{"dropped", `  request: [{do: [` + log + `, {drop: {}}]}]`, "MESSAGE", 0,
			[]moment{{0, 2}, {1, 0}}},
		{"reply", `  request: [{do: [` + log + `, {reply: {code: 202}}]}]`, "INVITE", 0,
			[]moment{{0, 2}, {1, 0}}},
		{"an ACK that waits", `  request: [{do: [` + log + `, ` + relay + `]}]`, "ACK", 0,
			[]moment{{0, 1}, {1, 0}}},
		{"stateless, by name", `  request: [{do: [{forward: {to: "sip:bob.test"}}]}]`, "MESSAGE", 0,
			[]moment{{0, 1}, {1, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			net := mem.New(mem.Config{})
			r, _, _ := asking(t, net, tt.policy)
			phone(t, net, "10.0.0.2:5060").answer = tt.answer
			began := net.Now()
			phone(t, net, "10.0.0.1:5060").send(call(tt.method))
			for _, m := range tt.want {
				net.Run(began.Add(m.at*time.Second + 100*time.Millisecond))
				if got := r.UnderWay(); got != m.want {
					t.Errorf("after %d s: %d under way, want %d; %d live", m.at, got, m.want, r.Live())
				}
			}
			if tt.method == "INVITE" && r.Live() == 0 {
				t.Error("nothing lingers")
			}
		})
	}
}

// A request that the policy sends is under way until it is answered, a probe never.
func TestUnderWayOwn(t *testing.T) {
	c := newTicks(t, ticking, nil)
	c.at(10 * time.Second)
	c.ends()
	if got := c.UnderWay(); got != 1 {
		t.Errorf("%d under way, want the request of the timer", got)
	}
	c.at(60 * time.Second)
	c.agent.Ask(&uac.Settings{Self: c.policy.Load().settings.Self, Name: "h"}, &uac.Request{
		Method: "OPTIONS", URI: []byte("sip:10.0.0.3"), HopLocal: true,
	}, time.Minute, func(int, error) {})
	if got, live := c.UnderWay(), c.Live(); got != 0 || live != 1 {
		t.Errorf("%d under way of %d, want 0 of 1", got, live)
	}
}
