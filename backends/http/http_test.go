package http

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/schema"
)

func opened(t *testing.T, s *server, more string) backends.DB {
	t.Helper()
	return backendtest.OpenDB(t, &Driver, fmt.Sprintf(
		"{url: %q, timeout: %v, breaker: {rest: 200ms}%s}", s.url(), backendtest.Patience, more))
}

func TestForms(t *testing.T) {
	for _, counts := range []bool{false, true} {
		t.Run(fmt.Sprint("counts ", counts), func(t *testing.T) {
			s := newServer(t)
			s.counts = counts
			subject := s.subject(opened(t, s, fmt.Sprint(", counts: ", counts)))
			subject.Refuses = func(text string) bool { return text == sqlNull }
			backendtest.RunDB(t, subject)
		})
	}
}

func TestJSON(t *testing.T) {
	s := newServer(t)
	backendtest.RunDB(t, s.subject(opened(t, s, ", format: json")))
}

// What is sent, by the examples of db_http's documentation and beyond.
func TestQueries(t *testing.T) {
	var got string
	reply := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body))
		fmt.Fprint(w, reply)
	}))
	defer s.Close()
	db := backendtest.OpenDB(t, &Driver, fmt.Sprintf("{url: %q, counts: true}", s.URL+"/x/"))
	where := []backends.Where{{Column: "id", Op: backends.Equal, Value: "100"}}
	at := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, reply string
		call        func(ctx context.Context) error
		want        string
	}{
		{"select", "", func(ctx context.Context) error {
			_, err := db.Select(ctx, backends.Select{Table: "version", Columns: []string{"table_version"},
				Where: []backends.Where{{Column: "table_name", Op: "=", Value: "xcap"}}, OrderBy: "a b"})
			return err
		}, "GET /x/version/?k=table_name&op=%3D&v=xcap&c=table_version&o=a%20b"},
		{"insert", "5", func(ctx context.Context) error {
			return db.Insert(ctx, "t", []string{"a,b", "c"}, backends.Row{"x,y&z=+ %\n", nil})
		}, "POST /x/t k=a%2Cb,c&v=x%2Cy%26z%3D%2B%20%25%0A,%00&query_type=insert"},
		{"update", "1", func(ctx context.Context) error {
			n, err := db.Update(ctx, "active_watchers",
				[]backends.Cell{{Column: "id", Value: "101"}}, where)
			if n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
			return err
		}, "POST /x/active_watchers k=id&op=%3D&v=100&uk=id&uv=101&query_type=update"},
		{"delete", " 3\n", func(ctx context.Context) error {
			n, err := db.Delete(ctx, "active_watchers", where)
			if n != 3 {
				t.Errorf("%d rows, want 3", n)
			}
			return err
		}, "POST /x/active_watchers k=id&op=%3D&v=100&query_type=delete"},
		{"of a table of ours", "", func(ctx context.Context) error {
			return db.Insert(ctx, "location", []string{"expires", "last_modified"}, backends.Row{at, at})
		}, "POST /x/location k=expires,last_modified&v=1774746000,2026-03-29%2001%3A00%3A00" +
			"&query_type=insert"},
	} {
		reply = c.reply
		if err := c.call(t.Context()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: want, got:\n%s", c.name, diff)
		}
	}
}

// Replies, by the documentation of db_http.
func TestReplies(t *testing.T) {
	g := grammar{';', '\n', '|', ","}
	const text = "int;string;blob\n6;|ana;maria|;1000\n100;mine;10002030\n3;|some||more;|;||\n;;\n"
	_, rows, err := g.result([]byte(text), 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []backends.Row{
		{int64(6), "ana;maria", []byte("1000")}, {int64(100), "mine", []byte("10002030")},
		{int64(3), "some|more;", []byte("")}, {nil, nil, nil},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	for text, want := range map[string]string{
		"":                          "",
		"int\n":                     "",
		"int":                       "the reply ends inside row 1",
		"int\n|1":                   "the reply ends inside row 2",
		"int\n1\n||":                "the reply ends inside row 3",
		"int;int\n1;2\n":            "the reply has 2 columns, want 1",
		"int\n1;2\n":                "row 1 of the reply has 2 fields, want 1",
		"int\nx\n":                  `row 1 of the reply: strconv.ParseInt: parsing "x": invalid syntax`,
		"date\nnever\n":             `row 1 of the reply: "never" is no time`,
		"uuid\n1\n":                 `row 1 of the reply: no type "uuid"`,
		"<html>\n<p>an error</p>\n": `row 1 of the reply: no type "<html>"`,
	} {
		_, _, err := g.result([]byte(text), 1)
		if err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("int;string\n1;|a||;|\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		g := grammar{';', '\n', '|', ","}
		types, rows, err := g.result(body, 0)
		for _, r := range rows {
			if err == nil && len(r) != len(types) {
				t.Errorf("%d values of %d columns", len(r), len(types))
			}
		}
	})
}

// What a status means.
func TestStatus(t *testing.T) {
	status := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer s.Close()
	db := backendtest.OpenDB(t, &Driver,
		fmt.Sprintf("{url: %q, breaker: {failures: 0, share: 0}}", s.URL))
	for code, want := range map[int]error{
		204: nil, 301: backends.ErrUnavailable, 401: backends.ErrUnavailable,
		403: backends.ErrUnavailable, 404: backends.ErrRefused, 400: backends.ErrRefused,
		409: backends.ErrExists, 422: backends.ErrRefused, 429: backends.ErrUnavailable,
		500: backends.ErrUnavailable, 501: backends.ErrUnsupported, 503: backends.ErrUnavailable,
	} {
		status = code
		err := db.Insert(t.Context(), "t", []string{"a"}, backends.Row{"x"})
		if !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", code, err, want)
		}
		dead := code == 500 || code == 503
		if err := db.Ping(t.Context()); errors.Is(err, backends.ErrUnavailable) != dead {
			t.Errorf("ping answered by %d: %v", code, err)
		}
	}
}

// Who signs the server's certificate, who we are, and that an error tells no secret.
func TestTrust(t *testing.T) {
	own := &server{}
	s := httptest.NewUnstartedServer(own)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, b, 0o600); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(s.URL, "https://")
	for _, c := range []struct {
		url, more string
		want      error // the server has no tables
	}{
		{s.URL, "token: token", backends.ErrUnavailable},
		{s.URL, "token: token, ca: " + ca, backends.ErrRefused},
		{s.URL, "token: hunter2, ca: " + ca, backends.ErrUnavailable},
		{"https://u:hunter2@" + host, "ca: " + ca, backends.ErrUnavailable},
		{"https://sipedge:secret@" + host, "ca: " + ca, backends.ErrRefused},
	} {
		db := backendtest.OpenDB(t, &Driver, fmt.Sprintf("{url: %q, %s}", c.url, c.more))
		_, err := db.Select(t.Context(), backends.Select{Table: "t", Columns: []string{"a"},
			Where: []backends.Where{{Column: "user", Op: "=", Value: "alice"}}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s, %s: %v, want %v", c.url, c.more, err, c.want)
		}
		if told := fmt.Sprint(err); strings.Contains(told, "hunter2") || strings.Contains(told, "alice") {
			t.Error(told)
		}
	}
	for _, keys := range [][]schema.Key{
		{{Name: "url", Value: text("https://u:hunter2@host:port/x")}},
		{{Name: "url", Value: text("https://host")}, {Name: "ca", Value: text("/nosuch")}},
		{{Name: "url", Value: text("https://host")}, {Name: "certificate", Value: text(ca)}},
		{{Name: "url", Value: text("https://host")}, {Name: "row_delimiter", Value: text(";")}},
	} {
		b, diags := Driver.Open(&backends.Opening{Name: "x",
			Settings: &schema.Value{Kind: schema.Map, Keys: keys}})
		if b != nil || !diags.HasErrors() || strings.Contains(fmt.Sprint(diags), "hunter2") {
			t.Errorf("%v: %v", keys, diags)
		}
	}
}

func text(s string) schema.Value { return schema.Value{Kind: schema.String, S: s} }
