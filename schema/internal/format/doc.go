// Package format lays policies out, in YAML and in CUE.
// Its one law: what was laid out means what it meant, has every comment, and stays as it is when
// it is laid out again.
package format
