package router

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/router/trace"
)

// recording makes a router that answers every message; answered counts.
func recording(t *testing.T, recorder *trace.Recorder) (r *Router, answered func() int) {
	const policy = head + `  request:
    - name: no BYE
      match: {method: BYE}
      do: [{reply: {code: 481}}]
    - name: answers
      do: [{route: answer}]
  sub: {answer: [{name: yes, do: [{set_user: x}, {reply: {code: 200}}]}]}
`
	n := &null{listeners: Listeners(load(t, policy))}
	r = New(Config{Sender: n, Wake: func(time.Time) {}, Trace: recorder.Trace})
	swap(t, r, policy)
	return r, func() int { return int(n.sent.Load()) }
}

// TestRecordedUnderLoad: recordings begin, are read and end while messages are served by several
// goroutines; each message is served as ever.
func TestRecordedUnderLoad(t *testing.T) {
	var recorder trace.Recorder
	r, answered := recording(t, &recorder)
	const callers, each = 4, 500
	done, armed := make(chan struct{}), make(chan struct{})
	var serving sync.WaitGroup
	for c := range callers {
		serving.Go(func() {
			<-armed
			for i := range each {
				text := strings.Replace(string(options), "Call-ID: 1",
					fmt.Sprintf("Call-ID: %d-%d", c, i/4), 1)
				r.Receive(alice, []byte(text))
			}
		})
	}
	var reading sync.WaitGroup
	recorded := 0
	reading.Go(func() {
		first := sync.OnceFunc(func() { close(armed) })
		defer first()
		for {
			rec, err := recorder.Arm(trace.Order{Count: 3, Time: "1m", Method: "OPTIONS"})
			if err != nil {
				t.Error(err)
				return
			}
			first()
			for rec.Status().Ended == "" {
				select {
				case <-done:
					rec.Stop()
				default:
				}
				for _, a := range rec.Accounts() {
					_ = a.WriteText(io.Discard)
				}
			}
			recorded += rec.Status().Calls
			select {
			case <-done:
				return
			default:
			}
		}
	})
	serving.Wait()
	close(done)
	reading.Wait()
	if n := answered(); n != callers*each || r.Stats().Panics > 0 {
		t.Errorf("%d of %d answered, %+v", n, callers*each, r.Stats())
	}
	if recorded == 0 {
		t.Error("nothing was recorded")
	}
}

// TestRecordedWhole: what a recording holds of a request is what the router did.
func TestRecordedWhole(t *testing.T) {
	var recorder trace.Recorder
	r, _ := recording(t, &recorder)
	rec, err := recorder.Arm(trace.Order{Count: 1, Time: "1m"})
	if err != nil {
		t.Fatal(err)
	}
	r.Receive(alice, options)
	if s := rec.Status(); s.Ended != trace.ByCalls || len(rec.Accounts()) != 1 {
		t.Fatalf("got %+v", s)
	}
	var text strings.Builder
	if err := rec.Accounts()[0].WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"    OPTIONS sip:bob@10.0.0.2 SIP/2.0\n",
		"    – no BYE (policy.yaml:5): method is \"OPTIONS\"\n    ✓ answers (policy.yaml:8)\n" +
			"        route: done\n          sub route answer\n            ✓ yes (policy.yaml:10)\n",
		"                set_user: ruri sip:bob@10.0.0.2 → sip:x@10.0.0.2\n",
		"  → udp 10.0.0.1:5060  SIP/2.0 200 OK\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("want %s in\n%s", want, text.String())
		}
	}
}

// TestRecordedTooMuch: a router serves on as it did when a recording is full.
func TestRecordedTooMuch(t *testing.T) {
	var recorder trace.Recorder
	r, answered := recording(t, &recorder)
	rec, err := recorder.Arm(trace.Order{Count: 1, Time: "1m"})
	if err != nil {
		t.Fatal(err)
	}
	invite := strings.ReplaceAll(string(options), "OPTIONS", "INVITE")
	invite = strings.Replace(invite, "Content-Length", "X: "+strings.Repeat("x", 60_000)+
		"\r\nContent-Length", 1)
	for i := range 200 {
		r.Receive(alice, []byte(strings.Replace(invite, "CSeq: 1", fmt.Sprintf("CSeq: %d", i+1), 1)))
		if got := answered(); got != i+1 {
			t.Fatalf("%d of %d requests are answered", got, i+1)
		}
	}
	if s := rec.Status(); s.Ended != trace.ByRoom || s.Requests < 100 || s.Requests > 150 {
		t.Errorf("got %+v", s)
	}
}
