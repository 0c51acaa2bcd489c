package listener

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// siegeTime is how long a connection of a siege lasts, which is a little less than the server allows.
const siegeTime = 4500 * time.Millisecond

// siege keeps count connections from an address open: each sends the first bytes, then one of the others every half second, and is
// followed by another one when the server closes it, and after siegeTime.
func (b *bubble) siege(address net.IP, count int, first, then string, over <-chan struct{}) {
	for range count {
		go func() {
			for {
				b.besiege(b.knock(address), first, then, over)
				select {
				case <-over:
					return
				case <-time.After(250 * time.Millisecond):
				}
			}
		}()
	}
}

func (b *bubble) besiege(conn net.Conn, first, then string, over <-chan struct{}) {
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	_ = conn.SetDeadline(time.Now().Add(siegeTime))
	_, err := io.WriteString(conn, first)
	for i := 0; err == nil; i++ {
		select {
		case <-over:
			return
		case <-time.After(500 * time.Millisecond):
		}
		_, err = io.WriteString(conn, then[i%len(then):i%len(then)+1])
	}
}

const (
	wholeRequest = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
	halfRequest  = "POST /x HTTP/1.1\r\nHost: h\r\nX: "
	http2Start   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
)

// A few addresses want every connection. D1 keeps the one that it has, and gets new ones, and each of its requests is answered at once.
func TestAFewAddressesDoNotKeepD1Out(t *testing.T) {
	trickles := strings.Repeat("x", 10)
	for name, c := range map[string]struct {
		how         transports
		addresses   int
		first, then string
	}{
		"three that trickle headers":                  {transports{}, 3, halfRequest, trickles},
		"three that trickle headers after a request":  {transports{}, 3, wholeRequest + halfRequest, trickles},
		"three that trickle HTTP/2 frames":            {transports{}, 3, http2Start, "\x00\x00\x20\x01\x05\x00\x00\x00\x01xxxxxxxxx"},
		"three that trickle handshakes":               {transports{tls: true}, 3, "\x16\x03\x01\x02\x00\x01", "\x00"},
		"twelve that trickle headers":                 {transports{}, 12, halfRequest, trickles},
		"twelve that trickle headers after a request": {transports{}, 12, wholeRequest + halfRequest, trickles},
		"twelve that trickle handshakes":              {transports{tls: true}, 12, "\x16\x03\x01\x02\x00\x01", "\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := serveGuarded(t, c.how, Options{MaxConnections: 64}, http.HandlerFunc(endpoint))
				kept := b.dial()
				ask(t, kept)
				over := make(chan struct{})
				defer func() {
					close(over)
					time.Sleep(siegeTime + time.Second)
				}()
				for i := range c.addresses {
					b.siege(net.IPv4(198, 51, 100, byte(i)), 96/c.addresses, c.first, c.then, over)
				}
				for i := range 40 {
					time.Sleep(1700 * time.Millisecond)
					start := time.Now()
					conn := b.dial()
					ask(t, conn)
					if took := time.Since(start); took > 0 {
						t.Errorf("notification %d was answered after %s", i, took)
					}
					_ = conn.Close()
					if i%7 == 0 {
						ask(t, kept)
					}
				}
			})
		})
	}
}

func TestTwoAddressesWithIdleConnectionsDoNotKeepD1Out(t *testing.T) {
	for name, said := range map[string]string{"that never said anything": "", "that have asked once": wholeRequest} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const most = 64
				b := serveGuarded(t, transports{}, Options{MaxConnections: most}, http.HandlerFunc(endpoint))
				kept := b.dial()
				ask(t, kept)
				for i := range 3 * most {
					conn := b.connectFrom(net.IPv4(198, 51, 100, byte(i%2)))
					send(conn, said)
					go func() { _, _ = io.Copy(io.Discard, conn) }()
					synctest.Wait()
				}
				for range 3 {
					time.Sleep(protectedTime)
					ask(t, kept)
					for range 6 {
						conn := b.dial()
						ask(t, conn)
						t.Cleanup(func() { _ = conn.Close() })
					}
					if got := b.guard.Counts(); got.Open > most {
						t.Errorf("counts %+v", got)
					}
				}
				ask(t, kept)
			})
		})
	}
}
