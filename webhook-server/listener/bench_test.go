package listener

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// BenchmarkRequest is what one HTTP/1.1 request costs here: its first bytes, its begin and its end.
func BenchmarkRequest(b *testing.B) {
	g := newGuard(Options{MaxConnections: 4096})
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		server, client := net.Pipe()
		defer func() { _, _ = server.Close(), client.Close() }()
		c, _ := g.admit(server, g.originOf(server))
		for p.Next() {
			g.received(c)
			g.begin(c)
			g.end(c)
		}
	})
}

// BenchmarkAdmit is what a new connection costs when another one has to go for it.
func BenchmarkAdmit(b *testing.B) {
	server, client := net.Pipe()
	defer func() { _, _ = server.Close(), client.Close() }()
	for name, sources := range map[string]int{"of 3 sources": 3, "of as many sources as connections": 4096, "of many more": 100_000} {
		b.Run(name, func(b *testing.B) {
			g := newGuard(Options{MaxConnections: 4096})
			next := 0
			from := func() origin {
				next = (next + 1) % sources
				return origin{address: netip.AddrFrom4([4]byte{10, byte(next >> 16), byte(next >> 8), byte(next)})}
			}
			for range 3 * 4096 {
				if c, _ := g.admit(server, from()); c != nil {
					c.since = time.Time{}
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				if c, _ := g.admit(server, from()); c != nil {
					c.since = time.Time{}
				}
			}
		})
	}
}
