package listener

import (
	"context"
	"net"
	"net/http"
)

type connectionKey struct{}

// ConnContext is for http.Server: with it Handler finds the connection of a request.
func (g *guard) ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if c := guarded(conn); c != nil {
		return context.WithValue(ctx, connectionKey{}, c)
	}
	return ctx
}

// guarded finds the connection below TLS; nil when the listener was another one.
func guarded(conn net.Conn) *guardedConn {
	for {
		switch c := conn.(type) {
		case *guardedConn:
			return c
		case interface{ NetConn() net.Conn }: // *tls.Conn
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// Handler notes when requests begin and end. The states that net/http reports would not do: to it a connection is in use when the preface
// of HTTP/2 has come, or while a body trickles in that nobody has waited for.
func (g *guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(connectionKey{}).(*guardedConn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if !g.begin(c) {
			panic(http.ErrAbortHandler) // closed to make room: what nobody can be told must not be done
		}
		defer g.end(c)
		next.ServeHTTP(w, r)
	})
}
