// Package scene lets a policy act: the real router, in virtual time, between a
// caller and branches that answer as they are told. Nothing is resolved, opened or
// contacted. Its one law: what a scene shows is what the router did.
package scene
