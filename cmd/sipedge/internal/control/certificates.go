package control

import (
	"net/http"
	"time"
)

// Certificates are those of the policy.
type Certificates struct {
	Certificates []Certificate `json:"certificates" doc:"By name."`
}

// Certificate is one of them.
type Certificate struct {
	Name    string   `json:"name" doc:"In the policy."`
	Domains []string `json:"domains" doc:"SIP domains it is of, RFC 5922."`
	Ends    []Expiry `json:"ends" doc:"When it ends, and what is with it."`
	Error   string   `json:"error,omitempty" doc:"Why it was not issued or read again, or is refused."`
}

// Expiry is when something of a certificate ends.
type Expiry struct {
	Of string    `json:"of" doc:"certificate; ca: the first of them; crl: the next update."`
	At time.Time `json:"at" doc:"When it ends."`
}

// Ordered is how many certificates will be issued anew.
type Ordered struct {
	Ordered int `json:"ordered" doc:"Certificates that a CA was asked for."`
}

// renewCertificates does not wait for the CA, which may take minutes.
func (s *Server) renewCertificates(_ http.ResponseWriter, r *http.Request) (any, error) {
	name := r.Form.Get("certificate")
	n := s.Renew(name)
	if n == 0 && name != "" {
		return nil, refuse(http.StatusNotFound, "the policy has no certificate %q that a CA issues", name)
	}
	return &Ordered{n}, nil
}

func (s *Server) tellCertificates(http.ResponseWriter, *http.Request) (any, error) {
	list := []Certificate{}
	for _, c := range s.Certificates() {
		one := Certificate{Name: c.Name, Domains: append([]string{}, c.Domains...), Error: c.Wrong}
		for _, e := range c.Ends {
			one.Ends = append(one.Ends, Expiry{Of: e.Of, At: e.At})
		}
		list = append(list, one)
	}
	return &Certificates{Certificates: list}, nil
}
