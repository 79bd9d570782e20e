package gateway

import (
	"strings"
	"testing"

	"sipedge/router/job"
)

// One after the other, and those of a greater weight more often, with others between.
func TestRoundRobinByWeight(t *testing.T) {
	y := newYard(t)
	sets := y.read(`ring: {algorithm: round_robin, destinations: [
		{uri: "sip:a", weight: 40}, {uri: "sip:b", weight: 20}, {uri: "sip:c", weight: 10},
		{uri: "sip:y", priority: 1}, {uri: "sip:z", priority: 1}]}`)
	turns := func(n int) string {
		var b strings.Builder
		for range n {
			if g := y.choose(sets, "ring", &job.Choice{}); g != nil {
				b.Write(g.URI[len("sip:"):])
			}
		}
		return b.String()
	}
	if got := turns(14); got != "abacabaabacaba" {
		t.Errorf("turns %s", got)
	}
	y.SetMode("ring", "sip:a", Disabled)
	got := turns(700)
	if n := strings.Count(got, "b"); strings.Contains(got, "a") || n < 350 || n > 550 {
		t.Errorf("without a, b has %d of %d", n, len(got))
	}
	if len(got) != 700 {
		t.Errorf("%d of 700 chose", len(got))
	}
	y.SetMode("ring", "sip:b", Disabled)
	y.SetMode("ring", "sip:c", Disabled)
	if got := turns(6); got != "yzyzyz" && got != "zyzyzy" {
		t.Errorf("turns of the second priority %s", got)
	}
	y.SetMode("ring", "", Enabled)
	var first strings.Builder
	for range 7 { // who tries another takes nobody's turn
		c := &job.Choice{}
		first.Write(y.choose(sets, "ring", c).URI[len("sip:"):])
		y.choose(sets, "ring", c)
	}
	if got := first.String(); strings.Count(got, "a") != 4 || strings.Count(got, "c") != 1 {
		t.Errorf("turns %s, with others tried between", got)
	}
	y.SetMode("ring", "", Disabled)
	if got := turns(1); got != "" {
		t.Errorf("the turn of %s, which is disabled", got)
	}
}

// Rings are short, whatever the weights, and nobody has no turn.
func TestRingIsShort(t *testing.T) {
	list := []*Gateway{{Weight: 1000}, {Weight: 999}, {Weight: 1}}
	r := newRing(list)
	count := make([]int, len(list))
	for _, i := range r {
		count[i]++
	}
	if len(r) > mostTurns || count[2] == 0 || count[0] < count[1] || count[1] < 400 {
		t.Errorf("%d turns: %v", len(r), count)
	}
}
