package resolve

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nameServer is a DNS server on the loopback. Its zone maps "name type" to records; a name
// without records of the type has an empty answer with the SOA, other names do not exist.
type nameServer struct {
	addr netip.AddrPort

	mu     sync.Mutex
	zone   map[string][]string
	asked  map[string]int                              // "name type" → questions
	handle func(w dns.ResponseWriter, m *dns.Msg) bool // true: it has dealt with it
}

const soa = "example. 300 IN SOA ns.example. admin.example. 1 2 3 4 30"

func serve(t *testing.T, zone map[string][]string) *nameServer {
	t.Helper()
	s := &nameServer{zone: zone, asked: make(map[string]int)}
	u, l := listen(t)
	s.addr = u.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, d := range []*dns.Server{{PacketConn: u}, {Listener: l}} {
		d.Handler = dns.HandlerFunc(s.answer)
		started := make(chan struct{})
		d.NotifyStartedFunc = func() { close(started) }
		ended := make(chan error, 1)
		go func() { ended <- d.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			if err := d.Shutdown(); err != nil {
				t.Error(err)
			}
			<-ended
		})
	}
	return s
}

// listen finds a port that is free for both transports.
func listen(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for try := 0; ; try++ {
		u, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", u.LocalAddr().String())
		if err == nil {
			return u, l
		}
		u.Close()
		if try == 100 {
			t.Fatal(err)
		}
	}
}

// on sets what happens before the zone is looked at.
func (s *nameServer) on(f func(w dns.ResponseWriter, m *dns.Msg) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = f
}

func (s *nameServer) set(key string, records ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone[key] = records
}

// count is how often it was asked, for all names and types or for "name type".
func (s *nameServer) count(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key != "" {
		return s.asked[key]
	}
	sum := 0
	for _, n := range s.asked {
		sum += n
	}
	return sum
}

// knows reports whether it was asked for a name, or for one below it.
func (s *nameServer) knows(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.asked {
		if owner, _, _ := strings.Cut(key, " "); owner == name || strings.HasSuffix(owner, "."+name) {
			return true
		}
	}
	return false
}

func (s *nameServer) answer(w dns.ResponseWriter, m *dns.Msg) {
	q := m.Question[0]
	name := strings.TrimSuffix(q.Name, ".")
	key := name + " " + dns.TypeToString[q.Qtype]
	s.mu.Lock()
	s.asked[key]++
	handle := s.handle
	records := s.zone[key]
	exists := s.has(name)
	s.mu.Unlock()
	if handle != nil && handle(w, m) {
		return
	}
	reply := new(dns.Msg).SetReply(m)
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		reply.Answer = append(reply.Answer, rr)
	}
	if len(records) == 0 {
		rr, _ := dns.NewRR(soa)
		reply.Ns = append(reply.Ns, rr)
	}
	if !exists {
		reply.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(reply)
}

// has reports whether the zone has anything at a name or below it.
func (s *nameServer) has(name string) bool {
	for key := range s.zone {
		owner, _, _ := strings.Cut(key, " ")
		if owner == name || strings.HasSuffix(owner, "."+name) {
			return true
		}
	}
	return false
}

// overUDP reports whether the question came in a datagram.
func overUDP(w dns.ResponseWriter) bool { return w.RemoteAddr().Network() == "udp" }
