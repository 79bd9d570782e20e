package hours

import (
	"testing"
	"time"
)

func TestHas(t *testing.T) {
	berlin, ok := Zone("Europe/Berlin")
	if !ok {
		t.Fatal("no time zones")
	}
	day := Span{On([]string{"mon", "tue"}), Minute("08:00"), Minute("18:30"), time.UTC}
	night := Span{On([]string{"sat"}), Minute("22:00"), Minute("06:00"), time.UTC}
	always := Span{EveryDay, 0, Minute("24:00"), time.UTC}
	there := Span{On([]string{"mon"}), 0, Minute("24:00"), berlin}
	for _, tt := range []struct {
		span Span
		at   string // a Monday is 2026-03-02
		want bool
	}{
		{day, "2026-03-02T07:59:59Z", false},
		{day, "2026-03-02T08:00:00Z", true},
		{day, "2026-03-03T18:29:59Z", true},
		{day, "2026-03-03T18:30:00Z", false},
		{day, "2026-03-04T12:00:00Z", false},
		{night, "2026-03-07T21:59:00Z", false},
		{night, "2026-03-07T22:00:00Z", true},
		{night, "2026-03-08T05:59:00Z", true}, // of the Saturday before
		{night, "2026-03-08T06:00:00Z", false},
		{night, "2026-03-08T23:00:00Z", false},
		{night, "2026-03-07T03:00:00Z", false},
		{always, "2026-03-02T00:00:00Z", true},
		{always, "2026-03-02T23:59:59Z", true},
		{there, "2026-03-01T23:00:00Z", true},
		{there, "2026-03-02T23:00:00Z", false},
		{there, "2026-03-03T00:30:00+01:00", false},
		{there, "2026-03-02T00:30:00+01:00", true},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := tt.span.Has(at); got != tt.want {
			t.Errorf("%+v has %s: %v, want %v", tt.span, tt.at, got, tt.want)
		}
	}
	for _, name := range []string{"Local", "Europe/Nowhere"} {
		if _, ok := Zone(name); ok {
			t.Errorf("%s is a time zone", name)
		}
	}
}
