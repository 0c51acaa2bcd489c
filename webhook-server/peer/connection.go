package peer

import (
	"context"
	"crypto/x509"
	"net"
	"sync"
)

// connection holds the chain that its own handshake brought.
type connection struct {
	mu        sync.Mutex
	presented *presented // nil until it is asked for
}

type connectionKey struct{}

// ConnContext is for http.Server: with it a chain is verified once a connection and gateway. Without it all works as well, but each
// request pays for the signatures.
func ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

func ofConnection(ctx context.Context, chain []*x509.Certificate) *presented {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return newPresented(chain)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// The handshake is over before the first request, and a server does not renegotiate: the chain is always the same.
	if c.presented == nil || c.presented.chain[0] != chain[0] {
		c.presented = newPresented(chain)
	}
	return c.presented
}
