package scrape

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGet(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics":
			_, _ = w.Write([]byte("# HELP a Of it.\n# TYPE a counter\na 3\n" +
				"b{rule=\"within a call\",type=\"request\"} 1.5e+06\n"))
		case "/broken":
			_, _ = w.Write([]byte("a three\n"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	got, err := Get(s.URL + "/metrics")
	want := Metrics{"a": 3, `b{rule="within a call",type="request"}`: 1.5e6}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, path := range []string{"/broken", "/none"} {
		if got, err := Get(s.URL + path); err == nil {
			t.Errorf("%s: got %v, want an error", path, got)
		}
	}
}
