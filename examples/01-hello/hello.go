// Package hello holds the policy of this folder as bytes: what `sipedge serve`
// runs when it is given none. Its one law: the file beside it is all there is.
package hello

import _ "embed"

// Policy is policy.yaml.
//
//go:embed policy.yaml
var Policy []byte
