package listener

import (
	"net"
	"sync"
	"time"
)

// connectionListener accepts what connections admits.
type connectionListener struct {
	net.Listener
	guard  *connections
	closed chan struct{}
	once   sync.Once
}

// Listener bounds the connections of a listener. Several listeners may share the bounds.
func (g *connections) Listener(l net.Listener) net.Listener {
	return &connectionListener{Listener: l, guard: g, closed: make(chan struct{})}
}

// Accept answers the next connection that there is room for.
func (l *connectionListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.admit(conn); c != nil {
			return c, nil
		}
		_ = conn.Close()
	}
}

// admit waits for room while that is allowed. The connections behind this one wait in the backlog.
func (l *connectionListener) admit(conn net.Conn) *guardedConn {
	address, isExempt := l.guard.sourceOf(conn)
	for {
		c, again := l.guard.admit(conn, address, isExempt)
		if c != nil || !again {
			return c
		}
		select {
		case <-l.guard.changed:
		case <-time.After(fullPoll):
		case <-l.closed:
			return nil
		}
	}
}

// Close also ends the wait for room.
func (l *connectionListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
