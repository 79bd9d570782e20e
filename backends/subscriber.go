package backends

import "context"

// Subscribers are who may authenticate.
type Subscribers interface {
	// Credential finds what is known of user in realm. domain is empty unless names are told
	// apart by it. ErrNotFound: there is no such user.
	Credential(ctx context.Context, user, domain, realm string) (*Credential, error)
}

// Credential is a subscriber as rows I4 and S have it. What is empty is not known.
type Credential struct {
	Password string // as it is; hashes are computed of it
	// Hex of H(user:realm:password); HA1b of MD5(user@domain:realm:password).
	HA1, HA1b, SHA256, SHA512256 string
	// Columns that were asked for besides, for call attributes.
	Extra []Cell
}
