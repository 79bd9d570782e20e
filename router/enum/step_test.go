package enum

import (
	"testing"

	"sipedge/router/job"
	"sipedge/schema"
)

// TestPrivate: a tree is a carrier's own where the policy says so and no holder of a number writes
// below its name; what is only said is warned of.
func TestPrivate(t *testing.T) {
	for _, tt := range []struct {
		args     string
		private  bool
		warnings int
	}{
		{`{}`, false, 0},
		{`{suffix: e164.example.net}`, false, 0},
		{`{suffix: e164.example.net, gateways: true}`, true, 0},
		{`{suffix: e164.example.net., gateways: true, variant: isn}`, true, 0},
		{`{suffix: e164.example.net, gateways: false}`, false, 0},
		{`{suffix: not-e164.arpa, gateways: true}`, true, 0},
		{`{suffix: e164.arpa.example.net, gateways: true}`, true, 0},
		{`{gateways: true}`, false, 1},
		{`{gateways: true, variant: isn}`, false, 1},
		{`{gateways: true, variant: infrastructure}`, false, 1},
		{`{suffix: E164.ARPA., gateways: true}`, false, 1},
		{`{suffix: 9.4.e164.arpa, gateways: true}`, false, 1},
	} {
		args, diags := schema.ReadData("args.yaml", []byte(tt.args))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, diags = New(&Env{
			Args: &args,
			Text: func(string) func([]byte, *job.Job) []byte { return nil },
			Arm:  func(string) (Arm, bool) { return nil, false },
		})
		if got := Private(&args); got != tt.private || len(diags) != tt.warnings {
			t.Errorf("%s: private %v, want %v; %v", tt.args, got, tt.private, diags)
		}
		for _, d := range diags {
			if d.Code != schema.PublicTree || d.Severity != schema.Warning {
				t.Errorf("%s: %v", tt.args, d)
			}
		}
	}
}
