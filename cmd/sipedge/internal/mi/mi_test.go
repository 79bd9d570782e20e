package mi

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sipedge/cmd/sipedge/internal/jsonrpc"
)

// Each method has its name alone, help, and parameters of different names. What they do is tried
// with a server, in package daemon.
func TestMethods(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Methods() {
		if seen[m.Name] || instead[m.Name] != "" || m.do == nil || !strings.HasSuffix(m.Help, ".") ||
			m.Need > len(m.Params) || m.List != "" && !slices.Contains(m.Params, m.List) {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
		names := slices.Sorted(slices.Values(m.Params))
		if n := len(slices.Compact(names)); n != len(m.Params) {
			t.Errorf("%s: params %v", m.Name, m.Params)
		}
	}
}

// What OpenSIPS has and sipedge has not is refused, with what there is instead.
func TestInstead(t *testing.T) {
	call := Over(nil) // no server is asked
	for name, hint := range instead {
		_, err := call(t.Context(), name, jsonrpc.Params{})
		e, ok := errors.AsType[*jsonrpc.Error](err)
		if !ok || e.Code != jsonrpc.MethodNotFound || !strings.HasSuffix(e.Message, hint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
