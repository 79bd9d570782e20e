package hours

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRecurrence(t *testing.T) {
	for _, tt := range []struct {
		text, at string // a Monday is 2026-03-02
		want     bool
	}{
		{"20260302T080000||10H|WEEKLY|||MO,TU", "2026-03-02T08:00:00Z", true},
		{"20260302T080000||10H|WEEKLY|||MO,TU", "2026-03-02T07:59:59Z", false},
		{"20260302T080000||10H|WEEKLY|||MO,TU", "2026-03-10T17:59:59Z", true},
		{"20260302T080000||10H|WEEKLY|||MO,TU", "2026-03-10T18:00:00Z", false},
		{"20260302T080000||10H|WEEKLY|||MO,TU", "2026-03-11T12:00:00Z", false},
		{"20260302T080000|20260302T180000||weekly|||mo,tu", "2026-03-10T17:59:59Z", true},
		{"Europe/Berlin|20260302T080000||10H|WEEKLY|||MO,TU", "2026-03-10T07:00:00Z", true},
		{"Europe/Berlin|20260302T080000||10H|WEEKLY|||MO,TU", "2026-07-14T06:00:00Z", true}, // summer
		{"20260302T080000||10H|DAILY|20260304T120000", "2026-03-04T12:00:00Z", true},
		{"20260302T080000||10H|DAILY|20260304T120000", "2026-03-04T12:00:01Z", false},
		{"20260302T080000||10H|DAILY||2", "2026-03-03T12:00:00Z", false},
		{"20260302T080000||10H|DAILY||2", "2026-03-04T12:00:00Z", true},
		{"20260302T220000||8H|WEEKLY|||FR", "2026-03-07T05:59:59Z", true}, // of the Friday before
		{"20260302T220000||8H|WEEKLY|||FR", "2026-03-06T05:59:59Z", false},
		{"20260302T080000|20260306T180000||WEEKLY", "2026-03-12T03:00:00Z", true}, // all week
		{"20260302T080000|20260306T180000||WEEKLY", "2026-03-14T03:00:00Z", false},
		{"20260302T000000||P1D|MONTHLY|||-1FR", "2026-03-27T12:00:00Z", true},
		{"20260302T000000||P1D|MONTHLY|||-1FR", "2026-03-20T12:00:00Z", false},
		{"20260302T000000||P1D|MONTHLY||||-1", "2028-02-29T12:00:00Z", true},
		{"20260302T000000||P1D|MONTHLY", "2026-04-02T12:00:00Z", true},
		{"20260302T000000||P1D|MONTHLY", "2026-04-03T12:00:00Z", false},
		{"20260101T000000||P1D|YEARLY||||24,25||||12", "2027-12-24T12:00:00Z", false}, // a place too far
		{"20260101T000000||P1D|YEARLY||||24,25|||12", "2027-12-24T12:00:00Z", true},
		{"20260101T000000||P1D|YEARLY|||||1,-1", "2027-12-31T12:00:00Z", true},
		{"20260101T000000||P1D|YEARLY|||MO|||20", "2026-05-11T12:00:00Z", true},
		{"20260101T000000||P1D|YEARLY|||20MO", "2026-05-18T12:00:00Z", true},
		{"20260101T000000||P1D|YEARLY", "2028-01-01T12:00:00Z", true},
		{"20260101T000000|20260102T000000", "2026-01-01T23:59:59Z", true},
		{"20260101T000000|20260102T000000", "2027-01-01T23:59:59Z", false},
		{"20260101T000000", "2046-01-01T23:59:59Z", true},
		{"20260101T000000", "2025-12-31T23:59:59Z", false},
		{"|||WEEKLY|||SA,SU", "2026-03-07T23:00:00Z", true},
		{"|||WEEKLY|||SA,SU", "2026-03-09T00:00:00Z", false},
	} {
		r, err := ParseRecurrence(tt.text, time.UTC)
		if err != nil {
			if tt.want {
				t.Error(err)
			}
			continue
		}
		at, _ := time.Parse(time.RFC3339, tt.at)
		if got := r.Has(at); got != tt.want || !IsRecurrence(tt.text) {
			t.Errorf("%s at %s: got %v", tt.text, tt.at, got)
		}
	}
}

func TestRecurrenceRefused(t *testing.T) {
	for text, want := range map[string]string{
		"2026":                                  "no time",
		"20261301T080000":                       "no time",
		"Mars/Olympus|20260101T080000":          "no time zone",
		"20260101T080000||10X|DAILY":            "no duration",
		"20260101T080000||10|DAILY":             "no duration",
		"20260101T080000||H|DAILY":              "no duration",
		"20260101T080000||1D|DAILY":             "no duration",
		"20260101T080000||P1DT|DAILY":           "no duration",
		"20260101T080000||99999999999999H":      "no duration",
		"20260101T080000||P5W|DAILY":            "longer than 31 days",
		"20260101T080000|20260101T080000":       "not before its end",
		"20260101T080000||1H|HOURLY":            "neither daily",
		"20260101T080000||1H||||MO":             "not daily",
		"20260101T080000||1H|DAILY|x":           "no time",
		"20260101T080000||1H|DAILY||0":          "interval",
		"20260101T080000||1H|WEEKLY|||1MO":      "a place in months and years",
		"20260101T080000||1H|MONTHLY|||0MO":     "no day",
		"20260101T080000||1H|MONTHLY|||XX":      "no day",
		"20260101T080000||1H|MONTHLY|||O":       "no day",
		"20260101T080000||1H|MONTHLY||||32":     "from 1 to 31",
		"20260101T080000||1H|YEARLY||||||54":    "from 1 to 53",
		"20260101T080000||1H|WEEKLY||||||5":     "in years only",
		"20260101T080000||1H|YEARLY|||||||13":   "from 1 to 12",
		"20260101T080000||||||||||||||":         "more than the 11 fields",
		"(20260101T080000)&(!20260102T080000|)": "no time",
	} {
		if _, err := ParseRecurrence(text, time.UTC); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// TestRecurrenceByList: what a recurrence has is what the list of all its days has, which is made
// by counting, RFC 2445 §4.3.10.
func TestRecurrenceByList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	one := func(list ...string) string { return list[random.IntN(len(list))] }
	for range 60 {
		start := time.Date(2023, time.Month(1+random.IntN(12)), 1+random.IntN(28),
			random.IntN(24), random.IntN(60), 0, 0, time.UTC)
		freq := one("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
		by := [5]string{}
		by[0] = one("", "", "MO,TH", "SA,SU", "WE")
		by[1], by[4] = one("", "", "1,-1", "15", "29,30"), one("", "", "2,12", "-1,7")
		if freq == "MONTHLY" || freq == "YEARLY" {
			by[0] = one("", by[0], "1MO,-1FR", "2TU")
		}
		if freq == "YEARLY" {
			by[2], by[3] = one("", "", "", "1,60,-1"), one("", "", "", "1,20,-1")
		}
		hours, interval := 1+random.IntN(60), 1+random.IntN(4)
		text := fmt.Sprintf("%s||%dH|%s||%d|%s", start.Format(layout), hours, freq, interval,
			strings.Join(by[:], "|"))
		r, err := ParseRecurrence(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		end := start.AddDate(3, 0, 0)
		begins := listed(start, end, freq, interval, by)
		for range 60 {
			at := start.Add(time.Duration(random.Int64N(int64(end.Sub(start)))))
			if len(begins) > 0 && random.IntN(2) == 0 { // near an edge
				at = begins[random.IntN(len(begins))].Add(
					time.Duration(random.IntN(2)*hours)*time.Hour - time.Duration(random.IntN(2)))
			}
			if at.After(end.AddDate(0, 0, -4)) { // what begins then may not be listed
				continue
			}
			want := !at.Before(start) && slices.ContainsFunc(begins, func(b time.Time) bool {
				return !at.Before(b) && at.Sub(b) < time.Duration(hours)*time.Hour
			})
			if got := r.Has(at); got != want {
				t.Fatalf("%s at %v: got %v, want %v", text, at, got, want)
			}
		}
	}
}

// listed are all times that a recurrence begins at before an end.
func listed(start, end time.Time, freq string, interval int, by [5]string) (all []time.Time) {
	period := func(d time.Time) time.Time { // the first day of its period
		switch freq {
		case "WEEKLY":
			for d.Weekday() != time.Monday {
				d = d.AddDate(0, 0, -1)
			}
		case "MONTHLY":
			d = d.AddDate(0, 0, 1-d.Day())
		case "YEARLY":
			d = d.AddDate(0, 0, 1-d.YearDay())
		}
		return d
	}
	next := map[string][3]int{"DAILY": {0, 0, 1}, "WEEKLY": {0, 0, 7}, "MONTHLY": {0, 1, 0},
		"YEARLY": {1, 0, 0}}[freq]
	for p := period(start); p.Before(end); p = p.AddDate(next[0]*interval, next[1]*interval,
		next[2]*interval) {
		for d := p; d.Before(p.AddDate(next[0], next[1], next[2])); d = d.AddDate(0, 0, 1) {
			if !d.Before(start) && wanted(d, start, freq, by) {
				all = append(all, d)
			}
		}
	}
	return all
}

// span is every day from one until another.
func span(from, until time.Time) (days []time.Time) {
	for ; from.Before(until); from = from.AddDate(0, 0, 1) {
		days = append(days, from)
	}
	return days
}

// wanted reports whether a recurrence may begin on a day of one of its periods.
func wanted(d, start time.Time, freq string, by [5]string) bool {
	place := func(list []time.Time, text string) bool { // d is at one of the places in the list
		for word := range strings.SplitSeq(text, ",") {
			var n int
			fmt.Sscan(word, &n)
			if n < 0 {
				n += len(list) + 1
			}
			if n >= 1 && n <= len(list) && list[n-1].Equal(d) {
				return true
			}
		}
		return false
	}
	first := d.AddDate(0, 0, 1-d.YearDay())
	inYear := span(first, first.AddDate(1, 0, 0))
	first = d.AddDate(0, 0, 1-d.Day())
	inMonth := span(first, first.AddDate(0, 1, 0))
	days := by[0] == ""
	for word := range strings.SplitSeq(by[0], ",") {
		if word == "" || !strings.EqualFold(d.Weekday().String()[:2], word[len(word)-2:]) {
			continue
		}
		list := inMonth
		if freq == "YEARLY" && by[4] == "" {
			list = inYear
		}
		list = slices.DeleteFunc(slices.Clone(list), func(e time.Time) bool {
			return e.Weekday() != d.Weekday()
		})
		days = days || len(word) == 2 || place(list, word[:len(word)-2])
	}
	free := by[0] == "" && by[1] == "" && by[2] == ""
	switch {
	case !days, by[1] != "" && !place(inMonth, by[1]), by[2] != "" && !place(inYear, by[2]):
		return false
	case free && freq == "WEEKLY" && d.Weekday() != start.Weekday(),
		free && freq == "MONTHLY" && d.Day() != start.Day():
		return false
	case free && freq == "YEARLY" && by[3] != "" && d.Weekday() != start.Weekday():
		return false
	case free && freq == "YEARLY" && by[3] == "" && (d.Day() != start.Day() ||
		by[4] == "" && d.Month() != start.Month()):
		return false
	}
	if by[3] != "" { // the weeks of the year that has its Thursday
		thursday := d.AddDate(0, 0, 3-int(d.Weekday()+6)%7)
		first := thursday.AddDate(0, 0, 1-thursday.YearDay())
		weeks := slices.DeleteFunc(span(first, first.AddDate(1, 0, 0)), func(e time.Time) bool {
			return e.Weekday() != time.Thursday
		})
		at := slices.IndexFunc(weeks, thursday.Equal)
		if !slices.ContainsFunc(strings.Split(by[3], ","), func(word string) bool {
			var n int
			fmt.Sscan(word, &n)
			return n == at+1 || n < 0 && n+len(weeks) == at
		}) {
			return false
		}
	}
	return by[4] == "" || slices.ContainsFunc(strings.Split(by[4], ","), func(word string) bool {
		var n int
		fmt.Sscan(word, &n)
		return n == int(d.Month()) || n < 0 && n+13 == int(d.Month())
	})
}

// A look at the clock allocates nothing.
func TestRecurrenceAllocates(t *testing.T) {
	r, err := ParseRecurrence("Europe/Berlin|20260302T080000||10H|MONTHLY|||1MO,-1FR", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 7, 31, 12, 0, 0, 0, time.UTC)
	if n := testing.AllocsPerRun(100, func() { r.Has(at) }); n != 0 || !r.Has(at) {
		t.Errorf("%v allocations, has %v", n, r.Has(at))
	}
}
