package trace

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Bounds of one recording.
const (
	MaxCalls = 100
	MaxTime  = time.Hour

	maxRequests = 1000
	maxEvents   = 100_000 // rules tried, steps and messages
	maxBytes    = 8 << 20 // of messages and values
)

// Order says which calls to record. What is empty or zero asks for nothing, but for Count and
// Time.
type Order struct {
	Method string `json:"method,omitempty"`
	CallID string `json:"call_id,omitempty"`
	Source string `json:"source,omitempty"` // an IP address or network
	User   string `json:"user,omitempty"`   // of the Request-URI, unescaped
	Host   string `json:"host,omitempty"`   // of the Request-URI
	Count  int    `json:"count"`            // calls: 1 to MaxCalls
	Time   string `json:"time"`             // a Go duration, MaxTime at most
}

// filter is an Order that has been read.
type filter struct {
	Order
	source netip.Prefix // the zero Prefix: any
	time   time.Duration
}

var token = regexp.MustCompile("^[-A-Za-z0-9.!%*_+`'~]+$")

// Check says what is wrong with the order.
func (o *Order) Check() error {
	_, err := o.filter()
	return err
}

func (o *Order) filter() (*filter, error) {
	f := &filter{Order: *o}
	var err error
	switch upper := strings.ToUpper(o.Method); {
	case o.Method == "":
	case !token.MatchString(o.Method):
		return nil, fmt.Errorf("%q is not a method", o.Method)
	case o.Method != upper && sip.LookupMethod([]byte(upper)) != sip.Other:
		return nil, fmt.Errorf("%q is not a method; did you mean %s?", o.Method, upper)
	}
	if o.Source != "" {
		if f.source, err = schema.ParseNetwork(o.Source); err != nil {
			return nil, fmt.Errorf("%q is not an IP address or network", o.Source)
		}
	}
	if o.Count < 1 || o.Count > MaxCalls {
		return nil, fmt.Errorf("%d calls: 1 to %d can be recorded", o.Count, MaxCalls)
	}
	if f.time, err = time.ParseDuration(o.Time); err != nil {
		return nil, fmt.Errorf("%q is not a time", o.Time)
	}
	if f.time <= 0 || f.time > MaxTime {
		return nil, fmt.Errorf("%v: a recording takes more than no time and %v at most", f.time, MaxTime)
	}
	return f, nil
}

// matches reports whether a call begins to be recorded with the request.
func (f *filter) matches(flow transport.Flow, m *sip.Message) bool {
	switch {
	case f.Method != "" && string(m.MethodName()) != f.Method,
		f.CallID != "" && string(m.CallID()) != f.CallID,
		f.source.IsValid() && !f.source.Contains(flow.Remote.Addr().Unmap()):
		return false
	case f.User == "" && f.Host == "":
		return true
	}
	u, err := sip.ParseURI(m.RURI())
	return err == nil &&
		(f.User == "" || string(sip.AppendUnescaped(nil, u.User)) == f.User) &&
		(f.Host == "" || sip.EqualHost(u.Host, []byte(f.Host)))
}

// ErrBusy is for an order while a recording runs.
var ErrBusy = errors.New("a recording runs already")
