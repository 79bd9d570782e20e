//go:build !portable

package udp

import (
	"fmt"
	"net"
	"strconv"
	"sync"
)

// zones are the interfaces of link-local addresses that were asked for, by name and by index.
// There are as many as the host has interfaces.
type zones struct{ names, indices sync.Map }

// index is that of the interface a zone names, by its name or its number.
func (z *zones) index(name string) (uint32, error) {
	if name == "" {
		return 0, nil
	}
	if i, ok := z.indices.Load(name); ok {
		return i.(uint32), nil
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, fmt.Errorf("zone %s: %w", name, err)
	}
	z.indices.Store(name, uint32(i.Index))
	return uint32(i.Index), nil
}

// name is the zone of an interface: its name, or its number where it has none.
func (z *zones) name(index uint32) string {
	if name, ok := z.names.Load(index); ok {
		return name.(string)
	}
	i, err := net.InterfaceByIndex(int(index))
	if err != nil {
		return strconv.FormatUint(uint64(index), 10)
	}
	z.names.Store(index, i.Name)
	return i.Name
}
