package listener

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// dialled is a listener that hands out what the test dials.
type dialled struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *dialled) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *dialled) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *dialled) Addr() net.Addr { return &net.TCPAddr{} }

// peerConn is the server's end of a pipe that comes from an address.
type peerConn struct {
	net.Conn
	from *net.TCPAddr
}

func (c *peerConn) RemoteAddr() net.Addr { return c.from }

// door is a guarded listener whose connections the test holds in the server's place.
type door struct {
	t        *testing.T
	guard    *guard
	under    *dialled
	listener net.Listener
	admitted chan net.Conn
}

// openDoor must be called in a synctest bubble.
func openDoor(t *testing.T, o Options, exempt ...string) *door {
	t.Helper()
	for _, p := range exempt {
		o.Exempt = append(o.Exempt, netip.MustParsePrefix(p))
	}
	d := &door{t: t, guard: newGuard(o), admitted: make(chan net.Conn, 1000)}
	d.under = &dialled{conns: make(chan net.Conn, 1000), closed: make(chan struct{})}
	d.listener = d.guard.Listener(d.under)
	go func() {
		for {
			c, err := d.listener.Accept()
			if err != nil {
				close(d.admitted)
				return
			}
			d.admitted <- c
		}
	}()
	t.Cleanup(func() { _ = d.listener.Close() })
	return d
}

// dial answers the server's end of a new connection, nil when it has not been admitted by now.
func (d *door) dial(from string) net.Conn {
	d.t.Helper()
	server, client := net.Pipe()
	d.t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	d.under.conns <- &peerConn{server, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 4711))}
	synctest.Wait()
	select {
	case c := <-d.admitted:
		return c
	default:
		return nil
	}
}

// must answers a connection that has to be admitted.
func (d *door) must(from string) net.Conn {
	d.t.Helper()
	c := d.dial(from)
	if c == nil {
		d.t.Fatalf("a connection from %s was not admitted", from)
	}
	return c
}

// serve makes a connection busy, and idle again when done.
func (d *door) serve(c net.Conn, done bool) {
	d.t.Helper()
	conn := c.(*guardedConn)
	if !d.guard.begin(conn) {
		d.t.Fatal("the connection has been closed")
	}
	if done {
		d.guard.end(conn)
	}
}

func (d *door) isGone(c *guardedConn) bool {
	d.guard.mu.Lock()
	defer d.guard.mu.Unlock()
	return c.gone
}

func isClosed(c net.Conn) bool {
	// A pipe that is open has nothing to read: the deadline ends the wait.
	_ = c.SetReadDeadline(time.Now())
	_, err := c.Read(make([]byte, 1))
	var timeout net.Error
	return !errors.As(err, &timeout) || !timeout.Timeout()
}
