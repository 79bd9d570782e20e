// Package guest runs tests in a machine with another kernel, emulated by QEMU: what the kernel
// here is without – SCTP – is tested all the same. The machine has one process tree, no network
// but its loopback, and no disk. It boots in some seconds, with the kernel that `make deps` has
// put into out/kernel.
// Its one law: a test that did not run there does not pass.
package guest
