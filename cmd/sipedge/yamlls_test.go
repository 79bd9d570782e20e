package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// languageServer is yaml-language-server, spoken to as an editor does (LSP over stdio).
type languageServer struct {
	t   *testing.T
	dir string
	in  io.Writer
	out *bufio.Reader
	id  int
}

// startLanguageServer starts the server that `make deps` installed.
func startLanguageServer(t *testing.T) *languageServer {
	t.Helper()
	needs(t, "node")
	script, err := filepath.Abs("../../out/npm/node_modules/" +
		"yaml-language-server/bin/yaml-language-server")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(script); err != nil {
		if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
			t.Fatal("missing: yaml-language-server (make deps)")
		}
		t.Skip("missing: yaml-language-server (make deps)")
	}
	cmd := exec.Command("node", script, "--stdio")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hang := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		hang.Stop()
		cmd.Process.Kill()
		cmd.Wait()
	})
	s := &languageServer{t: t, dir: t.TempDir(), in: in, out: bufio.NewReader(out)}
	s.call("initialize", map[string]any{
		"processId": os.Getpid(), "rootUri": "file://" + s.dir, "capabilities": map[string]any{},
	})
	s.send(map[string]any{"method": "initialized", "params": map[string]any{}})
	schema, err := exec.Command("sipedge", "schema", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "schema.json"), schema, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *languageServer) send(m map[string]any) {
	s.t.Helper()
	m["jsonrpc"] = "2.0"
	b, err := json.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(s.in, "Content-Length: %d\r\n\r\n%s", len(b), b); err != nil {
		s.t.Fatal(err)
	}
}

type lspMessage struct {
	ID     any
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  json.RawMessage
}

// receive reads the next message; what the server asks of the editor is answered with nothing.
func (s *languageServer) receive() lspMessage {
	s.t.Helper()
	length := 0
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(s.out, b); err != nil {
		s.t.Fatal(err)
	}
	var m lspMessage
	if err := json.Unmarshal(b, &m); err != nil {
		s.t.Fatal(err)
	}
	if m.Method != "" && m.ID != nil {
		s.send(map[string]any{"id": m.ID, "result": nil})
	}
	return m
}

func (s *languageServer) call(method string, params any) json.RawMessage {
	s.t.Helper()
	s.id++
	s.send(map[string]any{"id": s.id, "method": method, "params": params})
	for {
		if m := s.receive(); m.Method == "" && m.ID == float64(s.id) {
			if m.Error != nil {
				s.t.Fatalf("%s: %s", method, m.Error)
			}
			return m.Result
		}
	}
}

type lspProblem struct {
	Message string
	Range   struct {
		Start struct{ Line, Character int }
	}
}

// open shows a policy to the server and returns its address and what it says about it.
func (s *languageServer) open(name, policy string) (uri string, problems []lspProblem) {
	s.t.Helper()
	uri = "file://" + filepath.Join(s.dir, name)
	text := "# yaml-language-server: $schema=./schema.json\n" + policy
	s.send(map[string]any{"method": "textDocument/didOpen", "params": map[string]any{
		"textDocument": map[string]any{
			"uri": uri, "languageId": "yaml", "version": 1, "text": text,
		},
	}})
	for {
		m := s.receive()
		if m.Method != "textDocument/publishDiagnostics" {
			continue
		}
		var p struct {
			URI         string
			Diagnostics []lspProblem
		}
		if err := json.Unmarshal(m.Params, &p); err != nil {
			s.t.Fatal(err)
		}
		if p.URI == uri {
			return uri, p.Diagnostics
		}
	}
}

// complete is what the server offers at a place.
func (s *languageServer) complete(uri string, line, character int) []string {
	s.t.Helper()
	result := s.call("textDocument/completion", map[string]any{
		"textDocument": map[string]any{"uri": uri},
		"position":     map[string]any{"line": line, "character": character},
	})
	var list struct{ Items []struct{ Label string } }
	if err := json.Unmarshal(result, &list); err != nil {
		s.t.Fatalf("%v\n%s", err, result)
	}
	var labels []string
	for _, item := range list.Items {
		labels = append(labels, item.Label)
	}
	return labels
}

// An editor of YAML with the exported JSON Schema has nothing to say about good policies, marks
// what is misspelt where it stands, and offers what fits.
func TestYAMLLanguageServer(t *testing.T) {
	s := startLanguageServer(t)
	for i, policy := range goodPolicies(t) {
		if _, problems := s.open(fmt.Sprintf("good%d.yaml", i), policy); len(problems) > 0 {
			t.Errorf("%+v\n%s", problems, policy)
		}
	}
	const head = "version: 1\nlisten: [{udp: \"127.0.0.1:5060\"}]\nroutes:\n  request:\n"
	for i, c := range []struct {
		rule            string
		line, character int // in the rule
		message         string
	}{
		{"    - do: [{relya: {}}]\n", 0, 12, "Property relya is not allowed"},
		{"    - match: {metod: INVITE}\n      do: [{drop: {}}]\n", 0, 14,
			"Property metod is not allowed"},
		{"    - do: [{relay: {fr_time: 5s}}]\n", 0, 20, "Property fr_time is not allowed"},
		{"    - do: [{reply: {code: 99}}]\n", 0, 26, "Value is below the minimum of 100"},
		{"    - do: [{reply: {reason: No}}]\n", 0, 12, `Missing property "code"`},
		{"    - do: [{relay: {}, drop: {}}]\n", 0, 11, "more properties than limit of 1"},
		{"    - match: {uri: {host: {prefx: a}}}\n      do: [{drop: {}}]\n", 0, 27,
			"Property prefx is not allowed"},
		{"    - match: {source: 1}\n      do: [{drop: {}}]\n", 0, 22, "Incorrect type"},
	} {
		_, problems := s.open(fmt.Sprintf("bad%d.yaml", i), head+c.rule)
		if len(problems) != 1 || problems[0].Range.Start.Line != 5+c.line ||
			problems[0].Range.Start.Character != c.character ||
			!strings.Contains(problems[0].Message, c.message) {
			t.Errorf("%s: want %q at column %d, got %+v", c.rule, c.message, c.character, problems)
		}
	}
	uri, _ := s.open("complete.yaml", head+"    - do:\n        - \n")
	offered := s.complete(uri, 6, 10)
	for _, action := range []string{"relay", "reply", "drop", "record_route", "loose_route"} {
		if !slices.Contains(offered, action) {
			t.Errorf("completion of a step lacks %s: %q", action, offered)
		}
	}
	uri, _ = s.open("matcher.yaml", head+"    - match:\n        \n      do: [{drop: {}}]\n")
	offered = s.complete(uri, 6, 8)
	for _, matcher := range []string{"method", "source", "in_dialog", "uri"} {
		if !slices.Contains(offered, matcher) {
			t.Errorf("completion of a matcher lacks %s: %q", matcher, offered)
		}
	}
}

// goodPolicies are the YAML policies of the examples and of package schema's tests.
func goodPolicies(t *testing.T) []string {
	t.Helper()
	var policies []string
	for _, example := range []string{"[01]*", "residential"} {
		files, _ := filepath.Glob("../../examples/" + example + "/policy.yaml")
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			policies = append(policies, string(b))
		}
	}
	archives, _ := filepath.Glob("../../schema/testdata/good/*.txtar")
	for _, file := range archives {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if strings.HasSuffix(f.Name, ".yaml") {
				policies = append(policies, string(f.Data))
			}
		}
	}
	return policies
}
