package transaction

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// A recorder is a Sender that keeps what it was given last.
type recorder struct {
	*yard
	last []byte
}

func (r *recorder) Send(_ transport.Target, b []byte, _ uint64) error {
	r.last = append(r.last[:0], b...)
	return nil
}

// large is an INVITE with a body of so many bytes.
func large(branch []byte, body int) []byte {
	return fmt.Appendf(nil, "INVITE sip:bob@example.org SIP/2.0\r\n"+
		"Via: SIP/2.0/TCP h;branch=%s\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKa\r\n"+
		"Route: <sip:p1.example.org;lr>\r\nRoute: <sip:p2.example.org;lr>\r\n"+
		"Record-Route: <sip:h;lr>\r\n"+
		"f: \"A, a\" <sip:a@example.org>;tag=a\r\nTo:\r\n <sip:b@example.org>\r\n"+
		"Call-ID: 1@a\r\nCSeq: 0012 INVITE\r\nMax-Forwards: 69\r\nContact: <sip:a@192.0.2.1>\r\n"+
		"Content-Length: %d\r\n\r\n%s", branch, body, strings.Repeat("v", body))
}

// Over a reliable transport an INVITE keeps what its ACK and its CANCEL are made of, whatever its
// size, and they are those of one that keeps the whole.
func TestKeptOverReliable(t *testing.T) {
	for _, size := range []int{0, 300, 40_000} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			y := newYard()
			sent := &recorder{yard: y}
			y.layer.cfg.Sender = sent
			var lengths [2]int
			var acks, cancels [2][]byte
			for n, tr := range []sip.Transport{sip.UDP, sip.TCP} {
				target := transport.Target{Transport: tr}
				begin := func() (Client, []byte) {
					c, branch, err := y.layer.Branch(nil, nil)
					if err != nil {
						t.Fatal(err)
					}
					b := large(branch, size)
					var m sip.Message
					parse(t, &m, b)
					if err := y.layer.Send(c, &m, target, b, Options{}); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(sent.last, b) {
						t.Errorf("%v: sent was\n%.600s", tr, sent.last)
					}
					sh, _, s := y.layer.lock(c.h)
					lengths[n] = len(sh.bufs.Bytes(s.msg))
					sh.mu.Unlock()
					return c, b
				}
				answer := func(b []byte, status int) {
					var invite, m sip.Message
					parse(t, &invite, b)
					parse(t, &m, sip.AppendReply(nil, &invite, status, "", testTag, nil))
					y.layer.Receive(transport.Flow{Transport: tr}, &m)
				}
				c, b := begin()
				answer(b, 180)
				if err := y.layer.Cancel(c, []byte("Reason: SIP;cause=200\r\n")); err != nil {
					t.Fatal(err)
				}
				cancels[n] = unbranched(sent.last, b)
				answer(b, 487)
				acks[n] = unbranched(sent.last, b)
			}
			for what, of := range map[string][2][]byte{"ACK": acks, "CANCEL": cancels} {
				if !bytes.HasPrefix(of[0], []byte(what+" ")) || !bytes.Equal(of[0], of[1]) {
					t.Errorf("%s is\n%s\nwant\n%s", what, of[1], of[0])
				}
			}
			if lengths[0] < size || lengths[1] > 400 {
				t.Errorf("%d bytes over UDP and %d over TCP are kept", lengths[0], lengths[1])
			}
		})
	}
}

// unbranched is b with the branch of the INVITE taken out.
func unbranched(b, invite []byte) []byte {
	return bytes.Replace(b, branchIn(invite), []byte("branch"), 1)
}

// A CANCEL is kept if it is the shorter one: it may be the longer by its Max-Forwards.
func TestKeptIsShort(t *testing.T) {
	var m sip.Message
	w := new(work)
	invite := large(inBranch, 0)
	for _, line := range []string{
		"Record-Route: <sip:h;lr>\r\n", "Max-Forwards: 69\r\n", "Contact: <sip:a@192.0.2.1>\r\n",
		"Via: SIP/2.0/TCP a;branch=z9hG4bKa\r\n",
	} {
		parse(t, &m, invite)
		if got := w.kept(&m, invite, true); len(got) > len(invite) {
			t.Errorf("%d bytes are kept of %d", len(got), len(invite))
		}
		invite = bytes.Replace(invite, []byte(line), nil, 1)
	}
	parse(t, &m, invite)
	if got := w.kept(&m, invite, true); &got[0] != &invite[0] {
		t.Errorf("kept is\n%s\nwant\n%s", got, invite)
	}
}
