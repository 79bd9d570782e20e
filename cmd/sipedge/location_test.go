package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/sip"
)

// 10,000 REGISTERs of one address of record at once, of as many phones: no answer ever tells of
// more contacts than there may be, and what was accepted is there in the end.
func TestRegistersAtOnce(t *testing.T) {
	const phones, most = 10_000, 100
	db := filepath.Join(t.TempDir(), "contacts.db")
	sipedge(t, "", "db", "init", "--db", "sqlite:"+db)
	for name, location := range map[string]string{
		"in memory": "contacts: {memory: {}}",
		"written through": "contacts: {memory: {persist: write_through, database: store}}\n" +
			"  store: {sqlite: {file: " + db + ", max_waiting: 20000}}",
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, testHead+`
domains: [example.net]
backends:
  `+location+`
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts, max_contacts: 100}}]
    - do: [{reply: {code: 405}}]
`)
			accepted, unsure, full := registerAtOnce(t, s, phones, most)
			if len(accepted)+full != phones {
				t.Errorf("%d accepted and %d refused, want %d", len(accepted), full, phones)
			}
			w := dialWire(t, s.addr("udp", false))
			bound := contacts(w.ask(w.register(manyAOR, "sip:example.net", "")))
			for _, c := range bound { // its 200 was lost, and when it came again there was too much to do
				if !slices.Contains(accepted, c) && slices.Contains(unsure, c) {
					accepted = append(accepted, c)
				}
			}
			slices.Sort(accepted)
			slices.Sort(bound)
			if !slices.Equal(bound, accepted) || len(bound) != most {
				t.Errorf("bound are\n%v\naccepted were\n%v", bound, accepted)
			}
		})
	}
}

const manyAOR = "sip:many@example.net"

// registerAtOnce has phones register a contact each, all at the same time. accepted are those
// that got 200, full counts those that got 503, and unsure are those of them that did when they
// came once more.
func registerAtOnce(
	t *testing.T, s *server, phones, most int,
) (accepted, unsure []string, full int) {
	const sockets = 50
	var mu sync.Mutex
	var all sync.WaitGroup
	for socket := range sockets {
		w := dialWire(t, s.addr("udp", false))
		all.Go(func() {
			open := map[string]string{} // requests without an answer, by Call-ID
			for i := range phones / sockets {
				id := fmt.Sprintf("%d-%d", socket, i)
				open[id] = strings.Replace(w.register(manyAOR, "sip:example.net",
					"Contact: <sip:"+id+"@192.0.2.1>\r\n"), "Call-ID: ", "Call-ID: "+id+"@", 1)
			}
			err := w.flood(open, func(id string, m *sip.Message, again bool) {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case m.Status() == 503 && m.Has(sip.RetryAfter):
					if full++; again {
						unsure = append(unsure, "sip:"+id+"@192.0.2.1")
					}
				case m.Status() == 200 && len(contacts(m)) <= most:
					accepted = append(accepted, "sip:"+id+"@192.0.2.1")
				default:
					t.Errorf("%s: %d, with %d contacts", id, m.Status(), len(contacts(m)))
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return accepted, unsure, full
}

// A call goes to the contacts of the highest q, then to those of the next, at once where they
// are alike; a redirect names all in that order.
func TestSIPpForksByQ(t *testing.T) {
	needs(t, "sipp")
	l := load{calls: 20, rate: 20}
	busy, first := startUAS(t, "refuse_503", "udp", "127.0.0.1", l)
	answers, second := startUAS(t, "uas", "udp", "127.0.0.1", l)
	rings, third := startUAS(t, "uas_rings", "udp", "127.0.0.1", l)
	s := startServer(t, testHead+`
domains: [127.0.0.1]
backends: {contacts: {memory: {}}}
routes:
  request:
    - match: {in_dialog: true}
      do: [{loose_route: {on_none: stranger}}, {relay: {}}]
    - match: {method: REGISTER}
      do: [{save: {location: contacts}}]
    - match: {uri: {myself: true}, headers: {X-Redirect: true}}
      do: [{lookup: {location: contacts}}, {redirect: {code: 302}}]
    - match: {uri: {myself: true}}
      do: [{lookup: {location: contacts, serialize: true}}, {record_route: {}}, {relay: {}}]
    - do: [{reply: {code: 403}}]
  sub: {stranger: [{do: [{reply: {code: 481}}]}]}
`)
	w := dialWire(t, s.addr("udp", false))
	var want []string
	lines := ""
	for i, at := range []string{first.String(), second.String(), third.String()} {
		want = append(want, fmt.Sprintf("sip:%d@%s", i, at))
		q := [...]string{"1.0", "0.5", "0.5"}[i]
		lines = fmt.Sprintf("Contact: <%s>;q=%s\r\n", want[i], q) + lines
	}
	w.ask(w.register("sip:service@127.0.0.1", "sip:127.0.0.1", lines))
	m := w.ask(strings.NewReplacer("REGISTER sip:127.0.0.1", "OPTIONS sip:service@127.0.0.1:"+
		fmt.Sprint(s.addr("udp", false).Port()), "REGISTER", "OPTIONS").Replace(
		w.register("sip:service@127.0.0.1", "sip:127.0.0.1", "X-Redirect: 1\r\n")))
	got := contacts(m)
	if m.Status() != 302 || len(got) != 3 || got[0] != want[0] {
		t.Errorf("%d to %v, want 302 to %v first", m.Status(), got, want[0])
	}
	caller := startUAC(t, "uac", "udp", s.addr("udp", false), l)
	for _, party := range []*sipp{caller, busy, answers, rings} {
		if ok, failed := party.wait(time.Minute); ok != l.calls {
			t.Errorf("%s: %d calls, %d failed, want %d", party.name, ok, failed, l.calls)
		}
	}
}
