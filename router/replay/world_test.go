package replay

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"sipedge/router"
	"sipedge/schema"
)

// policy is a document with these listeners and rules of the request route, and
// whatever else.
func policy(t testing.TB, listen, rules string, more ...string) *schema.Document {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	text := "version: 1\nlisten: [" + listen + "]\ndomains: [example.net]\nroutes:\n  request:\n" +
		rules + strings.Join(more, "")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, src, diags, err := schema.Load(path, router.Vocabulary())
	if err != nil || doc == nil || diags.HasErrors() {
		t.Fatal(err, diags.Text(src))
	}
	return doc
}

const (
	listen = `{udp: "192.0.2.10:5060"}`
	relays = `    - name: calls
      match: {method: INVITE}
      do: [{record_route: {}}, {relay: {to: "sip:gw1.example.org"}}]
`
	answers = `    - {name: all, do: [{reply: {code: 404}}]}` + "\n"
)

// sipRequest is a request; each number is another transaction.
func sipRequest(method string, n int, fields ...string) string {
	return fmt.Sprintf("%s sip:bob@example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-%d\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=a%d\r\nTo: <sip:bob@example.net>\r\n"+
		"Call-ID: %d@test\r\nCSeq: 1 %s\r\nContact: <sip:alice@198.51.100.7>\r\n%s"+
		"Content-Length: 0\r\n\r\n", method, n, n, n, method, strings.Join(fields, ""))
}

// messages is a file of messages.
func messages(t testing.TB, list ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "messages")
	if err := os.WriteFile(path, []byte(strings.Join(list, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sippLog is a log of SIPp: of each a time, sent or received, the message.
func sippLog(t testing.TB, list ...[3]string) string {
	t.Helper()
	var b strings.Builder
	for _, m := range list {
		title := fmt.Sprintf("message sent (%d bytes):", len(m[2]))
		if m[1] == "received" {
			title = fmt.Sprintf("message received [%d] bytes :", len(m[2]))
		}
		fmt.Fprintf(&b, "%s %s\nUDP %s\n\n%s\n", strings.Repeat("-", 47), m[0], title, m[2])
	}
	return messages(t, b.String())
}

// capture is a pcap file of UDP: of each the source, the destination, the message.
func capture(t testing.TB, list ...[3]string) string {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	if err := w.WriteFileHeader(65536, layers.LinkTypeRaw); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 2, 28, 18, 30, 0, 0, time.UTC)
	for _, m := range list {
		from, to := netip.MustParseAddrPort(m[0]), netip.MustParseAddrPort(m[1])
		p := gopacket.NewSerializeBuffer()
		err := gopacket.SerializeLayers(p, gopacket.SerializeOptions{FixLengths: true},
			&layers.IPv4{
				Version: 4, Protocol: layers.IPProtocolUDP, TTL: 64,
				SrcIP: net.IP(from.Addr().AsSlice()), DstIP: net.IP(to.Addr().AsSlice()),
			},
			&layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())},
			gopacket.Payload(m[2]))
		if err != nil {
			t.Fatal(err)
		}
		n := len(p.Bytes())
		ci := gopacket.CaptureInfo{Timestamp: at, CaptureLength: n, Length: n}
		if err := w.WritePacket(ci, p.Bytes()); err != nil {
			t.Fatal(err)
		}
		at = at.Add(100 * time.Millisecond)
	}
	return messages(t, b.String())
}

// run replays recordings; what differs and what is wrong are a line each.
func run(t testing.TB, before, after *schema.Document, files ...string) (*Counts, []string) {
	t.Helper()
	var lines []string
	c, err := Run(&Config{
		Old: before, New: after, Files: files,
		Differs: func(d *Difference) error {
			line := fmt.Sprintf("%s: %s from %s: %s %s | %s %s", d.At, d.Request, d.Source,
				d.Old.Path, d.Old, d.New.Path, d.New)
			lines = append(lines, strings.ReplaceAll(line, " sip:bob@example.net SIP/2.0", ""))
			return nil
		},
		Trouble: func(x Trouble) { lines = append(lines, fmt.Sprintf("%s: %v", x.At, x.Err)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Skipped
	if c.Messages != c.Requests+s.Responses+s.Elsewhere+s.Repeated+s.Engine+s.Unreceived ||
		c.Requests != c.Same+c.Differ || c.Recordings != len(files) {
		t.Errorf("the counts do not add up: %+v", c)
	}
	return c, lines
}

func wantLines(t testing.TB, got []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
