package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tracing is a `sipedge trace` that has armed its recording.
type tracing struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  bytes.Buffer
	told *bufio.Reader // standard error
}

func (s *server) trace(args ...string) *tracing {
	s.t.Helper()
	tr := &tracing{t: s.t}
	tr.cmd = exec.Command("sipedge", append([]string{"trace", "--admin", s.admin}, args...)...)
	tr.cmd.Stdout = &tr.out
	stderr, err := tr.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	tr.told = bufio.NewReader(stderr)
	if err := tr.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { tr.cmd.Process.Kill() })
	if line, err := tr.told.ReadString('\n'); err != nil || !strings.HasPrefix(line, "recording ") {
		s.t.Fatalf("sipedge trace: %q, %v", line, err)
	}
	return tr
}

// end returns what it printed, what else it said, and the exit code.
func (tr *tracing) end() (out, told string, code int) {
	tr.t.Helper()
	b, err := io.ReadAll(tr.told)
	if err != nil {
		tr.t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := tr.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		tr.t.Fatal(err)
	}
	return tr.out.String(), string(b), tr.cmd.ProcessState.ExitCode()
}

// account is what `sipedge trace -o json` and `sipedge explain -o json` say of a request.
type account struct {
	Request string
	Path    []string
	Replies []struct{ Message string }
	Sent    []struct{ Target, Message string }
}

// accounts reads a stream of them.
func accounts(t *testing.T, out string) (list []account) {
	t.Helper()
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var a account
		if err := d.Decode(&a); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		list = append(list, a)
	}
	return list
}

// TestTraceCall: a real call, from its INVITE to its BYE.
func TestTraceCall(t *testing.T) {
	needs(t, "sipp")
	l := load{1, 1, callLength}
	callee, at := startUAS(t, "uas", "udp", "127.0.0.1", l)
	s := startServer(t, relayTo(at, "udp"))
	tr := s.trace("--method", "INVITE", "--source", "127.0.0.0/8", "--timeout", "1m", "-o", "json")
	carry(t, startUAC(t, "uac", "udp", s.addr("udp", false), l), callee, l)
	out, told, code := tr.end()
	if code != 0 || !strings.HasSuffix(told, "1 call, 3 requests, 1 over\n") {
		t.Errorf("exit code %d, told %q", code, told)
	}
	var got []string
	for _, a := range accounts(t, out) {
		method, _, _ := strings.Cut(a.Request, " ")
		line := method + ": " + strings.Join(a.Path, ", ")
		for _, m := range a.Sent {
			line += " → " + m.Target
		}
		for _, m := range a.Replies {
			line += " ← " + strings.Fields(m.Message)[1]
		}
		got = append(got, line)
	}
	want := []string{
		fmt.Sprintf("INVITE: calls → %s ← 100 ← 180 ← 200", at),
		fmt.Sprintf("ACK: within a call → %s", at),
		fmt.Sprintf("BYE: within a call → %s ← 200", at),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// tracedPolicy answers by itself, after a look at the credentials.
const tracedPolicy = testHead + `vars: {var.who: string}
routes:
  request:
    - name: no messages
      match: {method: MESSAGE}
      do: [{reply: {code: 405}}]
    - name: another secret
      match: {headers: {Authorization: {prefix: Bearer}}}
      do: [{reply: {code: 403}}]
    - name: everything else
      do:
        - set: {var.who: "{headers.Authorization}"}
        - set_user: "{ruri.user | default(nobody)}-x"
        - reply: {code: 486, headers: {X-Who: "{from.user}"}}
`

const (
	password = "0123456789abcdef0123456789abcdef" // or as good as one
	asked    = "OPTIONS sip:bob@example.net SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n" +
		"From: <sip:alice@example.org>;tag=a\r\nTo: <sip:bob@example.net>\r\nCall-ID: 1\r\n" +
		"CSeq: 1 OPTIONS\r\nAuthorization: Digest username=\"alice\", realm=\"r\", nonce=\"n\", " +
		"uri=\"sip:r\", response=\"" + password + "\"\r\nContent-Length: 0\r\n\r\n"
)

// ask sends a request by UDP and waits for its answer; from is where it came from.
func (s *server) ask(request string) (from string) {
	s.t.Helper()
	c, err := net.Dial("udp", s.addr("udp", false).String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(request)); err != nil {
		s.t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Read(make([]byte, 2048)); err != nil {
		s.t.Fatal(err)
	}
	return c.LocalAddr().String()
}

// TestTraceAsExplain: what a server records of a request is what explain says of it, but for
// the credentials.
func TestTraceAsExplain(t *testing.T) {
	policy := strings.Replace(tracedPolicy, `udp: "127.0.0.1:0"`,
		fmt.Sprintf(`udp: "127.0.0.1:%d"`, freePort(t)), 1)
	s := startServer(t, policy)
	message := filepath.Join(t.TempDir(), "asked.sip")
	if err := os.WriteFile(message, []byte(asked), 0o600); err != nil {
		t.Fatal(err)
	}
	tr := s.trace("--user", "bob", "--host", "example.net", "--call-id", "1")
	from := s.ask(asked)
	recorded, _, code := tr.end()
	if code != 0 || strings.Contains(recorded, password) || strings.Contains(recorded, "alice\"") {
		t.Errorf("exit code %d:\n%s", code, recorded)
	}
	out, err := exec.Command("sipedge", "explain", s.policy, message, "--source", from+"/udp").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), password) {
		t.Error("the password is not where it is looked for")
	}
	if d := cmp.Diff(shown(string(out)), shown(recorded)); d != "" {
		t.Errorf("-explain +trace\n%s", d)
	}
}

// shown is a trace without what differs from run to run: times, tags, credentials.
func shown(text string) string {
	for _, r := range [][2]string{
		{`(?m)^[0-9.]+[µm]?s `, "0s "}, {`;tag=[0-9a-f]{17}`, ";tag=…"},
		{`Digest username=.*"`, "Digest (hidden)"}, {`headers.Authorization is .*`, "…"},
		{`\+ var.who .*`, "+ var.who …"},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return text
}

// TestTraceEnds: by the time, with nothing or with what there is; by an interrupt; refused while
// another runs.
func TestTraceEnds(t *testing.T) {
	s := startServer(t, tracedPolicy)
	tr := s.trace("--method", "INVITE", "--timeout", "300ms")
	s.ask(asked)
	out, said, code := tr.end()
	if code != 1 || out != "" || !strings.Contains(said, "no call matched") {
		t.Errorf("nothing: exit code %d, %q, told %q", code, out, said)
	}

	tr = s.trace("--count", "2", "--timeout", "1m", "-o", "json")
	second := exec.Command("sipedge", "trace", "--admin", s.admin)
	told, err := second.CombinedOutput()
	if err == nil || second.ProcessState.ExitCode() != 4 ||
		!strings.Contains(string(told), "a recording runs already") {
		t.Errorf("another: %v, told %q", err, told)
	}
	s.ask(asked)
	if line, err := tr.told.ReadString('\n'); line != "1 call, 1 request, 1 over\n" || err != nil {
		t.Errorf("one of two: told %q, %v", line, err)
	}
	if err := tr.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	out, _, code = tr.end()
	if list := accounts(t, out); code != 0 || len(list) != 1 || len(list[0].Path) != 1 {
		t.Errorf("interrupted: exit code %d, %s", code, out)
	}
}
