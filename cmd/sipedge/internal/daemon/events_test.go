package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/events"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// heard is an event as a client has it.
type heard struct {
	Event  string
	Params map[string]any
	Lost   int
}

// follow hears events of names, after the first, until the test or stop ends it.
func (c *controlled) follow(t *testing.T, names ...string) (list <-chan heard, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, over := make(chan heard, 100), make(chan error, 1)
	go func() {
		over <- c.Stream(ctx, "events", url.Values{"name": names}, func(line []byte) error {
			var h heard
			err := json.Unmarshal(line, &h)
			out <- h
			return err
		})
	}()
	stopped := false
	stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-over; ctx.Err() == nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	if h := next(t, out); h.Event != "E_SUBSCRIBED" {
		t.Fatalf("the first is %+v", h)
	}
	return out, stop
}

func next(t *testing.T, list <-chan heard) heard {
	t.Helper()
	select {
	case h := <-list:
		return h
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is told")
		return heard{}
	}
}

// What changes is told as it does.
func TestEvents(t *testing.T) {
	c := startControlled(t, `backends:
  contacts: {memory: {}}
  media: {rtpengine: {nodes: [{udp: "127.0.0.1:9"}], ping: 1h}}
gateways: {pstn: {destinations: [{uri: "sip:127.0.0.1:9"}]}}
`)
	list, _ := c.follow(t)
	do := func(id string, in any, query ...string) func() {
		return func() {
			var answer json.RawMessage
			if err := c.do(t, id, in, &answer, query...); err != nil && id != "reload" {
				t.Error(err)
			}
		}
	}
	good := c.policy
	fail := resolve.Hop{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")}
	for _, step := range []struct {
		does  func()
		event string
		says  map[string]any
	}{
		{do("add_binding", control.Addition{Contact: "sip:a@192.0.2.1", Expires: 9},
			"aor", "a@example.net"), "E_UL_CONTACT_INSERT",
			map[string]any{"domain": "contacts", "aor": "a@example.net", "uri": "sip:a@192.0.2.1"}},
		{func() { c.data.Load().Locations("contacts").Advance(time.Now().Add(time.Minute)) },
			"E_UL_CONTACT_DELETE", map[string]any{"reason": "expired"}},
		{do("add_binding", control.Addition{Contact: "sip:a@192.0.2.1"}, "aor", "a@example.net"),
			"E_UL_CONTACT_INSERT", nil},
		{do("add_binding", control.Addition{Contact: "sip:a@192.0.2.1", Expires: 60},
			"aor", "a@example.net"), "E_UL_CONTACT_UPDATE", map[string]any{"qval": 1.0}},
		{do("remove_binding", nil, "aor", "a@example.net"), "E_UL_CONTACT_DELETE",
			map[string]any{"reason": "removed"}},
		{do("set_gateway", control.GatewayMode{Mode: "disabled"}, "set", "pstn"),
			"E_DISPATCHER_STATUS", map[string]any{"group": "pstn", "status": "inactive",
				"state": "disabled", "address": "sip:127.0.0.1:9"}},
		{do("enable_media", control.Enabled{}, "node", "127.0.0.1:9"), "E_RTPENGINE_STATUS",
			map[string]any{"set": "media", "socket": "udp:127.0.0.1:9", "status": "inactive"}},
		{func() { c.failed.Refuse(fail, time.Minute) }, "E_TARGET_STATUS", map[string]any{
			"address": "192.0.2.1:5060", "transport": "udp", "status": "failed", "reason": "refused"}},
		{do("clear_targets", nil), "E_TARGET_STATUS", map[string]any{"status": "cleared"}},
		{func() { c.set(good + "x: 1\n"); do("reload", nil)() }, "E_RELOAD",
			map[string]any{"status": "failed", "generation": 1.0}},
		{func() { c.set(good); do("reload", nil)() }, "E_RELOAD",
			map[string]any{"status": "done", "generation": 2.0}},
	} {
		step.does()
		h := next(t, list)
		if h.Event == "E_RTPENGINE_STATUS" && h.Params["enabled"] == true {
			h = next(t, list) // its first ping was lost meanwhile
		}
		if h.Event != step.event {
			t.Fatalf("told %+v, want %s", h, step.event)
		}
		for name, want := range step.says {
			if h.Params[name] != want {
				t.Errorf("%s: %s is %v, want %v", h.Event, name, h.Params[name], want)
			}
		}
	}
}

// A binding is told once, however often the policy was loaded since.
func TestEventsAfterReload(t *testing.T) {
	c := startControlled(t, "")
	for range 3 {
		if err := c.do(t, "reload", nil, new(control.Reload)); err != nil {
			t.Fatal(err)
		}
	}
	list, _ := c.follow(t, "E_UL_CONTACT_INSERT", "E_RELOAD")
	c.add(t, "a@example.net", "sip:a@192.0.2.1")
	if err := c.do(t, "reload", nil, new(control.Reload)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"E_UL_CONTACT_INSERT", "E_RELOAD"} {
		if h := next(t, list); h.Event != want {
			t.Errorf("told %+v, want %s", h, want)
		}
	}
}

// The end of the server is told, and ends the stream.
func TestEventsOfDrain(t *testing.T) {
	c := startOrdered(t, time.Minute)
	c.call(t)
	list, stop := c.follow(t)
	if err := c.do(t, "drain", nil, new(control.Drain)); err != nil {
		t.Fatal(err)
	}
	if h := next(t, list); h.Event != "E_DRAIN" || h.Params["bound_seconds"] != 60.0 {
		t.Errorf("told %+v", h)
	}
	if err := c.do(t, "stop", nil, new(control.Drain)); err != nil {
		t.Fatal(err)
	}
	<-c.ended
	stop()
}

// Who comes again hears again, and who went is not counted any more.
func TestEventsAgain(t *testing.T) {
	c := startControlled(t, "")
	for range 40 { // more than may listen at once
		list, stop := c.follow(t, "E_UL_CONTACT_UPDATE", "E_UL_CONTACT_INSERT")
		c.add(t, "a@example.net", "sip:a@192.0.2.1")
		if h := next(t, list); !strings.HasPrefix(h.Event, "E_UL_CONTACT_") {
			t.Errorf("told %+v", h)
		}
		stop()
		for end := time.Now().Add(10 * time.Second); c.events.Stats().Listeners > 0; {
			if time.Now().After(end) {
				t.Fatal("it is still counted")
			}
			time.Sleep(time.Millisecond)
		}
	}
	var series control.Statistics
	if err := c.do(t, "statistics", nil, &series, "name", "sipedge_event"); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(series.Statistics, func(s control.Statistic) bool {
		return s.Series() == `sipedge_events_total{event="E_UL_CONTACT_UPDATE"}` && s.Value == 39
	}) {
		t.Errorf("%+v", series)
	}
}

func TestEventsRefused(t *testing.T) {
	c := startControlled(t, "")
	for _, q := range []url.Values{{"name": {"E_NONE"}}, {"limit": {"0"}}, {"limit": {"x"}}} {
		err := c.Stream(t.Context(), "events", q, func([]byte) error { return errors.New("a line") })
		if status(err) != 400 {
			t.Errorf("%v: %v", q, err)
		}
	}
	for range 16 {
		c.follow(t, "E_DRAIN")
	}
	err := c.Stream(t.Context(), "events", nil, func([]byte) error { return nil })
	if status(err) != 503 {
		t.Errorf("one too many: %v", err)
	}
}

// A client who reads late loses what does not fit, is told how many, and costs nobody time. All
// that was told and all that was lost is what there was.
func TestEventsReadLate(t *testing.T) {
	c := startControlled(t, "")
	conn, err := net.Dial("unix", c.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /v1/events?name=E_RELOAD HTTP/1.0\r\nHost: sipedge\r\n\r\n")
	lines := bufio.NewReader(conn)
	read := func() (h heard) {
		for {
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			line, err := lines.ReadBytes('\n')
			if err != nil {
				t.Fatal(err)
			}
			if json.Unmarshal(line, &h) == nil && h.Event != "" {
				return h
			}
		}
	}
	read()
	const many = 20_000
	began := time.Now()
	for n := range many {
		c.events.Publish(events.PolicyReload, events.Reload{
			Generation: int64(n), Error: strings.Repeat("x", 200),
		})
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("%d events took %v beside a client who does not read", many, took)
	}
	told, lost := 0, 0
	for told+lost < many {
		if h := read(); h.Event == "E_LOST" {
			lost += h.Lost
		} else {
			told++
		}
	}
	if n := c.events.Stats().Lost; told+lost != many || lost == 0 || n != uint64(lost) {
		t.Errorf("%d told and %d lost of %d; %d are counted", told, lost, many, n)
	}
}
