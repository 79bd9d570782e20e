package hours

import "time"

// Has reports whether a time is in it: not before the first, nor after it ends, and less than it
// lasts behind the begin of one. What lasts over midnight belongs to the day it begins on.
func (r *Recurrence) Has(t time.Time) bool {
	t = t.In(r.zone)
	if t.Before(r.start) || !r.until.IsZero() && t.After(r.until) {
		return false
	}
	if r.freq == once {
		return t.Sub(r.start) < r.lasts
	}
	y, m, d := t.Date()
	hour, minute, second := r.start.Clock()
	for back := 0; ; back++ {
		begin := time.Date(y, m, d-back, hour, minute, second, 0, r.zone)
		if !begin.After(t) && t.Sub(begin) >= r.lasts || begin.Before(r.start) {
			return false
		}
		if !begin.After(t) && r.begins(begin) {
			return true
		}
	}
}

// begins reports whether it begins on the day of a time.
func (r *Recurrence) begins(t time.Time) bool {
	year, month, day := t.Date()
	first := r.start
	switch r.freq {
	case daily:
		if between(first, t)%r.interval != 0 {
			return false
		}
	case weekly:
		if between(monday(first), monday(t))/7%r.interval != 0 ||
			r.anyDay() && t.Weekday() != first.Weekday() {
			return false
		}
	case monthly:
		months := (year-first.Year())*12 + int(month-first.Month())
		if months%r.interval != 0 || r.anyDay() && day != first.Day() {
			return false
		}
	case yearly:
		if (year-first.Year())%r.interval != 0 || !r.fits(t) {
			return false
		}
	}
	inYear := 365
	if leap(year) {
		inYear = 366
	}
	_, week := t.ISOWeek()
	return r.months.has(int(month), 12) && r.monthDay.has(day, daysIn(year, month)) &&
		r.yearDay.has(t.YearDay(), inYear) && r.weeks.has(week, weeksIn(t)) && r.onDay(t, inYear)
}

// anyDay reports whether nothing but the first says which days they are.
func (r *Recurrence) anyDay() bool { return !r.byDay && r.monthDay == nil && r.yearDay == nil }

// fits reports whether a day is the one of a year that the first says, where nothing else does.
func (r *Recurrence) fits(t time.Time) bool {
	switch {
	case !r.anyDay():
		return true
	case r.weeks != nil:
		return t.Weekday() == r.start.Weekday()
	case r.months != nil:
		return t.Day() == r.start.Day()
	}
	return t.Month() == r.start.Month() && t.Day() == r.start.Day()
}

// onDay reports whether its day of the week is one of those wanted, at its place in the month, or
// in a year without months.
func (r *Recurrence) onDay(t time.Time, inYear int) bool {
	at, of := t.Day(), daysIn(t.Year(), t.Month())
	if r.freq == yearly && r.months == nil {
		at, of = t.YearDay(), inYear
	}
	places := r.days[t.Weekday()]
	return !r.byDay || places != nil && places.has((at+6)/7, (at+6)/7+(of-at)/7)
}

// has reports whether the place at of so many is one of the ordinals; there are none: all are.
func (o ordinals) has(at, of int) bool {
	for _, n := range o {
		if n == 0 || n == at || n < 0 && of+n+1 == at {
			return true
		}
	}
	return o == nil
}

// between is the days from one to another.
func between(a, b time.Time) int { return int(midday(b).Sub(midday(a)).Hours()) / 24 }

// midday is of the same date in a zone whose days have 24 hours.
func midday(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
}

// monday is the first day of the week.
func monday(t time.Time) time.Time { return midday(t).AddDate(0, 0, -int(t.Weekday()+6)%7) }

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 12, 0, 0, 0, time.UTC).Day()
}

// weeksIn is how many weeks the year has that the week of a time is of, ISO 8601.
func weeksIn(t time.Time) int {
	year, _ := t.ISOWeek()
	_, last := time.Date(year, 12, 28, 12, 0, 0, 0, time.UTC).ISOWeek()
	return last
}
