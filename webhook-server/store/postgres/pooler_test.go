package postgres

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// pooler lets clients log in to sessions of their own, and then carries out what each of them asks for in one of a few sessions, as a pooler in transaction mode does.
type pooler struct {
	net.Listener
	to string

	mu       sync.Mutex
	sessions []net.Conn // the first of each client that was the first to come
	shared   int        // how many of them are used, in turn
	turn     int
}

func startPooler(t *testing.T, to string, shared int) *pooler {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pooler{Listener: l, to: to, shared: shared}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *pooler) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	session, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	if err := logIn(client, session); err != nil {
		_ = session.Close()
		return
	}
	p.mu.Lock()
	p.sessions = append(p.sessions, session)
	p.mu.Unlock()
	for p.transaction(client) == nil {
	}
}

// logIn passes on what is said until the server is ready for a query. The two take turns: the client speaks first, and whenever the server asks it something.
func logIn(client, session net.Conn) error {
	message, err := readMessage(client, 0)
	for err == nil {
		if _, err = session.Write(message); err != nil {
			return err
		}
		if asked, answerErr := answer(session, client); answerErr != nil || !asked {
			return answerErr
		}
		message, err = readMessage(client, 1)
	}
	return err
}

// readMessage reads a message with a type of so many bytes.
func readMessage(from net.Conn, typeBytes int) ([]byte, error) {
	head := make([]byte, typeBytes+4)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[typeBytes:])-4)
	_, err := io.ReadFull(from, body)
	return append(head, body...), err
}

// answer hands on what the server says until it is ready for the next query, or asks for more of a password.
func answer(session, client net.Conn) (asked bool, err error) {
	const sasl, saslContinue = 10, 11
	for {
		message, err := readMessage(session, 1)
		if err != nil {
			return false, err
		}
		if _, err := client.Write(message); err != nil {
			return false, err
		}
		switch message[0] {
		case 'Z':
			return false, nil
		case 'R':
			if code := binary.BigEndian.Uint32(message[5:]); code == sasl || code == saslContinue {
				return true, nil
			}
		}
	}
}

// transaction carries out what the client asks for next.
func (p *pooler) transaction(client net.Conn) error {
	var asked []byte
	for {
		message, err := readMessage(client, 1)
		if err != nil {
			return err
		}
		asked = append(asked, message...)
		if message[0] == 'S' || message[0] == 'Q' {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	session := p.sessions[p.turn%min(p.shared, len(p.sessions))]
	if _, err := session.Write(asked); err != nil {
		return err
	}
	_, err := answer(session, client)
	return err
}

func TestAPoolerThatSharesSessionsIsRefused(t *testing.T) {
	for shared := 1; shared <= 3; shared++ {
		p := startPooler(t, server.Address(), shared)
		u, err := url.Parse(server.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		u.Host, u.RawQuery = p.Addr().String(), "sslmode=disable"
		s, err := Open(t.Context(), Options{URL: u.String(), Logger: quiet()})
		if !errors.Is(err, ErrSharedSession) {
			t.Errorf("%d sessions: %v", shared, err)
		}
		if err == nil {
			_ = s.Close()
		}
	}
}
