package memory

import "testing"

// Memory is given back once when a peak has fallen by half, again when half of the rest has
// gone, once more when all of it has, and never for what is small.
func TestPeak(t *testing.T) {
	given := 0
	p := peak{give: func() { given++ }}
	for i, step := range []struct {
		live int64
		want int
	}{
		{9000, 0}, {0, 0}, {100000, 0}, {60000, 0}, {50000, 1}, {49000, 1}, {60000, 1},
		{25000, 2}, {13000, 2}, {12000, 3}, {5000, 4}, {101, 4}, {100, 5}, {0, 5}, {9000, 5}, {0, 5},
	} {
		if p.look(step.live); given != step.want {
			t.Fatalf("step %d, %d live: given back %d times, want %d", i, step.live, given, step.want)
		}
	}
}

func TestRested(t *testing.T) {
	given := 0
	r := joined{give: func() { given++ }}
	for i, step := range []struct {
		looped int64
		want   int
	}{
		{999, 0}, {1000, 1}, {1999, 1}, {2000, 2}, {0, 2}, {1000, 3}, {20000, 4}, {22000, 4},
		{22500, 5}, {22500, 5}, {22000, 5}, {24800, 6},
	} {
		if r.look(step.looped); given != step.want {
			t.Fatalf("step %d, %d of loops: given back %d times, want %d", i, step.looped, given,
				step.want)
		}
	}
}
