package peer

import (
	"context"
	"crypto/x509"
	"net"
	"sync"
)

// connection holds the chain that its own handshake brought.
type connection struct {
	mu    sync.Mutex
	chain *clientChain // nil until it is asked for
}

type connectionKey struct{}

// ConnContext is for http.Server: with it a chain is verified once a connection and bundle of CAs. Without it all works as well, but each
// request pays for the signatures.
func ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

func chainOfConnection(ctx context.Context, certificates []*x509.Certificate) *clientChain {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return newClientChain(certificates)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// The handshake is over before the first request, and a server does not renegotiate: the chain is always the same.
	if c.chain == nil || c.chain.certificates[0] != certificates[0] {
		c.chain = newClientChain(certificates)
	}
	return c.chain
}
