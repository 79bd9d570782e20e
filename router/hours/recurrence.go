package hours

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Recurrence is times that come again, as the column timerec of OpenSIPS's drouting has them after
// RFC 2445: it begins on some days, at the time of day of its first, and lasts as long each time.
type Recurrence struct {
	zone     *time.Location
	start    time.Time // of the first
	lasts    time.Duration
	until    time.Time // zero: it never ends
	freq     frequency
	interval int // of days, weeks, months or years
	days     [7]ordinals
	byDay    bool
	monthDay ordinals // of the month, of the year, weeks and months: none are all
	yearDay  ordinals
	weeks    ordinals
	months   ordinals
}

type frequency uint8

const (
	once frequency = iota
	daily
	weekly
	monthly
	yearly
)

// ordinals are places from the front, 1 the first, or below zero from the back; 0 is any.
type ordinals []int

// The fields of a recurrence, in order, behind a time zone where there is one.
const (
	dtstart = iota
	dtend
	duration
	freq
	until
	interval
	byDay
	byMonthDay
	byYearDay
	byWeekNo
	byMonth

	fields
)

const (
	// maxLasts bounds how far back a look has to go for the day that a recurrence began on.
	maxLasts = 31 * 24 * time.Hour
	forever  = math.MaxInt64
)

// IsRecurrence reports whether a text is meant for one, and not for a span of the week.
func IsRecurrence(text string) bool {
	return strings.ContainsRune(text, '|') || len(text) == len(layout) && text[8] == 'T'
}

const layout = "20060102T150405"

// ParseRecurrence reads a recurrence: dtstart, dtend, duration, freq, until, interval, byday,
// bymonthday, byyearday, byweekno and bymonth, with bars between them, each of which may be empty
// and the last ones missing: "Europe/Berlin|20260101T080000||10H|WEEKLY|||MO,TU". A time zone,
// which begins with a capital letter, may stand before the first; without one it is zone.
func ParseRecurrence(text string, zone *time.Location) (*Recurrence, error) {
	list := strings.Split(text, "|")
	r := &Recurrence{zone: zone, interval: 1}
	if first := list[0]; first != "" && first[0] >= 'A' && first[0] <= 'Z' {
		zone, ok := Zone(first)
		if !ok {
			return nil, fmt.Errorf("%q is no time zone; write it like Europe/Berlin", first)
		}
		r.zone, list = zone, list[1:]
	}
	if len(list) > fields {
		return nil, fmt.Errorf("%q has more than the %d fields of a recurrence", text, fields)
	}
	list = append(list, make([]string, fields-len(list))...)
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	for _, read := range []func([]string) error{r.readTimes, r.readRule, r.readDays, r.readPlaces} {
		if err := read(list); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// readTimes reads when it is first, how long it lasts, and until when it comes again.
func (r *Recurrence) readTimes(list []string) (err error) {
	r.start = time.Date(1970, 1, 1, 0, 0, 0, 0, r.zone)
	if list[dtstart] != "" {
		if r.start, err = r.time(list[dtstart]); err != nil {
			return err
		}
	}
	switch {
	case list[duration] != "":
		if r.lasts, err = parseDuration(list[duration]); err != nil {
			return err
		}
	case list[dtend] != "":
		end, err := r.time(list[dtend])
		if err != nil {
			return err
		}
		r.lasts = end.Sub(r.start)
	case list[freq] == "":
		r.lasts = forever
	default: // to the end of the day
		y, m, d := r.start.Date()
		r.lasts = time.Date(y, m, d+1, 0, 0, 0, 0, r.zone).Sub(r.start)
	}
	if r.lasts <= 0 {
		return fmt.Errorf("%q is not before its end, %q", list[dtstart], list[dtend])
	}
	if list[until] != "" {
		r.until, err = r.time(list[until])
	}
	return err
}

func (r *Recurrence) time(text string) (time.Time, error) {
	t, err := time.ParseInLocation(layout, text, r.zone)
	if err != nil {
		return t, fmt.Errorf("%q is no time; write it like 20260131T080000", text)
	}
	return t, nil
}

// readRule reads what it recurs by.
func (r *Recurrence) readRule(list []string) error {
	names := []string{"", "daily", "weekly", "monthly", "yearly"}
	i := slices.Index(names, strings.ToLower(list[freq]))
	if i < 0 {
		return fmt.Errorf("%q is neither daily, weekly, monthly nor yearly", list[freq])
	}
	r.freq = frequency(i)
	if r.freq == once {
		for _, text := range list[interval:] {
			if text != "" {
				return fmt.Errorf("%q: it is not daily, weekly, monthly or yearly", text)
			}
		}
		return nil
	}
	if r.lasts > maxLasts {
		return fmt.Errorf("it lasts longer than 31 days each time")
	}
	if text := list[interval]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return fmt.Errorf("interval: %q is no number from 1 to 1000", text)
		}
		r.interval = n
	}
	return nil
}

// readDays reads days of the week, which may have places: the second to last Friday is -2FR.
func (r *Recurrence) readDays(list []string) error {
	for text := range strings.SplitSeq(list[byDay], ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		at := max(0, len(text)-2)
		day := slices.IndexFunc(names, func(name string) bool {
			return strings.EqualFold(name[:2], text[at:])
		})
		place, err := 0, error(nil)
		if at > 0 {
			place, err = strconv.Atoi(text[:at])
		}
		if day < 0 || err != nil || at > 0 && place == 0 || place < -53 || place > 53 {
			return fmt.Errorf("%q is no day; write it like MO or -1FR", text)
		}
		if at > 0 && r.freq != monthly && r.freq != yearly {
			return fmt.Errorf("%q: days have a place in months and years only", text)
		}
		r.days[day], r.byDay = append(r.days[day], place), true
	}
	return nil
}

// readPlaces reads places in months and years.
func (r *Recurrence) readPlaces(list []string) (err error) {
	for _, one := range []struct {
		field, most int
		into        *ordinals
	}{
		{byMonthDay, 31, &r.monthDay}, {byYearDay, 366, &r.yearDay}, {byWeekNo, 53, &r.weeks},
		{byMonth, 12, &r.months},
	} {
		for text := range strings.SplitSeq(list[one.field], ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			n, err := strconv.Atoi(text)
			switch {
			case one.field == byWeekNo && r.freq != yearly:
				return fmt.Errorf("weeks have numbers in years only")
			case err != nil, n == 0, n > one.most, -n > one.most:
				return fmt.Errorf("%q is no number from 1 to %d, nor one from -1 to -%d",
					text, one.most, one.most)
			}
			*one.into = append(*one.into, n)
		}
	}
	return nil
}

// parseDuration reads 10H, 1H30M, PT8H or P1D.
func parseDuration(text string) (d time.Duration, err error) {
	rest, days := strings.CutPrefix(strings.ToUpper(text), "P")
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	dates := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	for n := -1; rest != ""; rest = rest[1:] {
		c := rest[0]
		of := units
		if days {
			of = dates
		}
		switch unit := of[c]; {
		case c >= '0' && c <= '9' && n < 100_000:
			n = max(n, 0)*10 + int(c-'0')
			continue
		case days && c == 'T' && n < 0:
			days = false
		case unit != 0 && n >= 0 && time.Duration(n) <= (math.MaxInt64-d)/unit:
			d, n = d+time.Duration(n)*unit, -1
			continue
		default:
			return 0, fmt.Errorf("%q is no duration; write it like 10H, 1H30M or P1DT8H", text)
		}
	}
	if c := text[len(text)-1]; d <= 0 || c == 'T' || c >= '0' && c <= '9' {
		return 0, fmt.Errorf("%q is no duration; write it like 10H, 1H30M or P1DT8H", text)
	}
	return d, nil
}
