package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium with one page, which loads JsSIP and says what happens.
type browser struct {
	t     *testing.T
	site  *httptest.Server
	page  string // of the site; "": the first
	tools string // address of its DevTools
	said  chan string
}

// npm is a file that `make deps` installed.
func npm(t *testing.T, path string) string {
	t.Helper()
	file, err := filepath.Abs("../../out/npm/node_modules/" + path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
			t.Fatalf("missing: %s (make deps)", path)
		}
		t.Skipf("missing: %s (make deps)", path)
	}
	return file
}

// newBrowser serves the page, without looking at it yet: its origin is known.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	needs(t, "chromium")
	script := filepath.Join(t.TempDir(), "jssip.js")
	bundle := exec.Command(npm(t, ".bin/esbuild"), npm(t, "jssip/lib/JsSIP.js"), "--bundle",
		"--format=iife", "--global-name=JsSIP", "--outfile="+script)
	if out, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b := &browser{t: t, said: make(chan string, 100)}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir("testdata/browser")))
	mux.HandleFunc("GET /jssip.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, script)
	})
	mux.HandleFunc("POST /said", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		b.said <- string(text)
	})
	b.site = httptest.NewServer(mux)
	t.Cleanup(b.site.Close)
	return b
}

// open has the browser look at the page, with that WebSocket.
func (b *browser) open(socket, password string, flags ...string) {
	b.t.Helper()
	dir := b.t.TempDir()
	page := b.site.URL + "/" + b.page + "?" + url.Values{
		"socket": {socket}, "password": {password},
	}.Encode()
	cmd := exec.Command("chromium", append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
		"--user-data-dir=" + dir, "--remote-debugging-port=0",
	}, append(flags, page)...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	tools := make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, at, ok := strings.Cut(lines.Text(), "DevTools listening on ws://"); ok {
				at, _, _ = strings.Cut(at, "/")
				tools <- at
			}
		}
	}()
	b.t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
		cmd.Wait()
	})
	select {
	case b.tools = <-tools:
	case <-time.After(60 * time.Second):
		b.t.Fatal("Chromium does not start")
	}
}

// close closes the page, as its user closes a tab.
func (b *browser) close() {
	b.t.Helper()
	var pages []struct{ ID, Type string }
	r, err := http.Get("http://" + b.tools + "/json")
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&pages); err != nil {
		b.t.Fatal(err)
	}
	for _, p := range pages {
		if p.Type != "page" {
			continue
		}
		r, err := http.Get("http://" + b.tools + "/json/close/" + p.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		r.Body.Close()
	}
}

// says waits for the next thing that the page says.
func (b *browser) says(want string) {
	b.t.Helper()
	select {
	case got := <-b.said:
		if got != want {
			b.t.Fatalf("the browser says %q, want %q", got, want)
		}
	case <-time.After(60 * time.Second):
		b.t.Fatalf("the browser does not say %q", want)
	}
}

// Through 07-edge-tls-websocket a phone in a browser registers, is called by a PBX, which hangs up,
// and called once more, and hangs up. When its tab is closed its binding goes.
func TestBrowser(t *testing.T) {
	b := newBrowser(t)
	dir := openssl(t, "example.net")
	s := startServer(t, movedExample(t, "07-edge-tls-websocket",
		"edge.pem", dir+"/example.net.pem", "edge.key", dir+"/example.net.key",
		"http://localhost:8080", b.site.URL, "127.0.0.1:8443", "127.0.0.1:0",
		"127.0.0.1:5061", "127.0.0.1:0"))
	at := "wss://" + s.addr("wss", false).String() + "/sip"
	b.open(at, "secret of bob", "--ignore-certificate-errors")
	b.says("registered")
	alice := newCaller(t, s.addr("udp", false))

	alice.invite("sip:bob@example.net")
	b.says("established")
	alice.bye()
	b.says("ended: remote")

	alice.invite("sip:bob@example.net")
	b.says("established")
	alice.hears("BYE")
	b.says("ended: local")

	b.close()
	closed := time.Now()
	await(t, 20*time.Second, func() (string, bool) {
		n := s.metric(`sipedge_transport_connections{transport="wss"}`)
		return fmt.Sprintf("%v WebSockets", n), n == 0
	})
	await(t, time.Second, func() (string, bool) {
		n := s.metric(`sipedge_bindings{backend="contacts"}`)
		return fmt.Sprintf("%v bindings", n), n == 0
	})
	t.Logf("the binding was gone %v after the tab", time.Since(closed).Round(time.Millisecond))
	await(t, 20*time.Second, func() (string, bool) { // it is counted when it is gone
		n := s.metric("sipedge_bindings_disconnected_total")
		return fmt.Sprintf("%v bindings ended with their connection, want 1", n), n == 1
	})
}

// A page of somebody else registers nobody.
func TestBrowserOfAStranger(t *testing.T) {
	b := newBrowser(t)
	s := startServer(t, testHead+`  - {ws: "127.0.0.1:0", origins: ["https://phone.example.net"]}
backends: {contacts: {memory: {}}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts}}]
    - do: [{reply: {code: 403}}]
`)
	b.open("ws://"+s.addr("ws", false).String(), "secret of bob")
	await(t, 60*time.Second, func() (string, bool) {
		n := s.metric(`sipedge_transport_websockets_rejected_total{reason="origin",transport="ws"}`)
		return fmt.Sprintf("%v refused", n), n > 0
	})
	select {
	case what := <-b.said:
		t.Errorf("it says %q", what)
	default:
	}
}
