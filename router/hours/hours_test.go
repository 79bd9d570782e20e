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

func TestParse(t *testing.T) {
	berlin, _ := Zone("Europe/Berlin")
	for text, want := range map[string]Span{
		"":                    {EveryDay, 0, 1440, time.UTC},
		"mon-fri":             {On([]string{"mon", "tue", "wed", "thu", "fri"}), 0, 1440, time.UTC},
		"fri-mon 22:00-06:00": {On([]string{"fri", "sat", "sun", "mon"}), 1320, 360, time.UTC},
		"08:00-24:00":         {EveryDay, 480, 1440, time.UTC},
		"Europe/Berlin":       {EveryDay, 0, 1440, berlin},
		"mon,wed-thu 08:00-18:30 Europe/Berlin": {
			On([]string{"mon", "wed", "thu"}), 480, 1110, berlin,
		},
	} {
		got, err := Parse(text)
		if err != nil || got.Days != want.Days || got.From != want.From || got.To != want.To ||
			got.Zone.String() != want.Zone.String() {
			t.Errorf("%q: want %+v, got %+v, %v", text, want, got, err)
		}
	}
	for _, text := range []string{
		"mo", "mon-", "mon,", "08:00", "8:00-9:00", "09:00-09:00", "24:00-08:00", "08:00-25:00",
		"Europe/Nowhere", "Local", "mon 08:00-09:00 UTC more", "08:00-09:00 mon",
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q: %+v, want an error", text, got)
		}
	}
}

// The clock on the wall counts: an hour that is skipped is in no span, one that comes twice is in
// its span twice, and a night is as long as it is.
func TestSummerTime(t *testing.T) {
	two, _ := Parse("02:00-03:00 Europe/Berlin")
	night, _ := Parse("sat 22:00-06:00 Europe/Berlin")
	for _, tt := range []struct {
		span Span
		from string
		want time.Duration // of the 24 hours from there
	}{
		{two, "2026-03-28T12:00:00Z", 0}, {two, "2026-10-24T12:00:00Z", 2 * time.Hour},
		{two, "2026-06-01T12:00:00Z", time.Hour},
		{night, "2026-03-28T12:00:00Z", 7 * time.Hour}, {night, "2026-10-24T12:00:00Z", 9 * time.Hour},
	} {
		at, err := time.Parse(time.RFC3339, tt.from)
		if err != nil {
			t.Fatal(err)
		}
		var got time.Duration
		for range 24 * 60 {
			if tt.span.Has(at) {
				got += time.Minute
			}
			at = at.Add(time.Minute)
		}
		if got != tt.want {
			t.Errorf("%+v from %s: want %v, got %v", tt.span, tt.from, tt.want, got)
		}
	}
}
