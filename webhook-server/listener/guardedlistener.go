package listener

import (
	"net"
	"sync"
	"time"
)

// guardedListener accepts what guard admits.
type guardedListener struct {
	net.Listener
	guard  *guard
	closed chan struct{}
	once   sync.Once
}

// Listener bounds the connections of a listener.
func (g *guard) Listener(l net.Listener) net.Listener {
	return &guardedListener{Listener: l, guard: g, closed: make(chan struct{})}
}

// Accept answers the next connection that there is room for.
func (l *guardedListener) Accept() (net.Conn, error) {
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
func (l *guardedListener) admit(conn net.Conn) *guardedConn {
	from := l.guard.originOf(conn)
	for {
		c, again := l.guard.admit(conn, from)
		if c != nil || !again {
			return c
		}
		select {
		case <-l.guard.changed:
		case <-time.After(waitPoll):
		case <-l.closed:
			return nil
		}
	}
}

// Close also ends the wait for room.
func (l *guardedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
