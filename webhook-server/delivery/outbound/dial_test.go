package outbound

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// resolver answers from a name server of its own, that knows these names and no others.
func resolver(t *testing.T, names map[string][]string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply := dnsReply(buffer[:n], names); reply != nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func dnsReply(query []byte, names map[string][]string) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	addresses, known := names[strings.TrimSuffix(q.Name.String(), ".")]
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: h.ID, Response: true, RecursionAvailable: true}, Questions: []dnsmessage.Question{q}}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range addresses {
		addr := netip.MustParseAddr(text)
		resource := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
		switch {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: resource, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: resource, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

func TestEachAddressOfANameIsGuarded(t *testing.T) {
	s, connections := counting(t, func(http.ResponseWriter, *http.Request) {})
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	names := resolver(t, map[string][]string{
		"mixed.example":   {"169.254.169.254", "fe80::a9fe:a9fe", "127.0.0.1"},
		"refused.example": {"169.254.169.254", "10.0.0.1", "::1", "fd12::1"},
		"rebound.example": {"::ffff:10.0.0.1"},
	})
	transports := NewTransports(Options{Guard: NewGuard(loopback), Resolver: names})
	defer transports.Close()
	if a, err := do(t, transports, "o", "http://mixed.example:"+port, &serving.Endpoint{}, 10*time.Second); err != nil || a.Status != 200 || connections.Load() != 1 {
		t.Errorf("of a name with one allowed address, that one is used: %v, %d connections", err, connections.Load())
	}
	for _, name := range []string{"refused.example", "rebound.example"} {
		if _, err := do(t, transports, "o", "https://"+name+":"+port, &serving.Endpoint{}, 10*time.Second); FaultOf(err) != FaultAddressRefused {
			t.Errorf("%s: %s: %v", name, FaultOf(err), err)
		}
	}
}

func TestTheGuardBehindAProxy(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	target := strings.TrimPrefix(backend.URL, "http://")
	names := resolver(t, map[string][]string{
		"public.example":   {"93.184.216.34"},
		"mixed.example":    {"93.184.216.34", "169.254.169.254"},
		"internal.example": {"10.0.0.1"},
		"allowed.example":  {"127.0.0.1", "127.0.0.2"},
		"localhost":        {"127.0.0.1"},
	})
	for _, c := range []struct {
		name, url string
		allowed   []netip.Prefix
		want      Fault // of the guard; "" when it is the proxy that decides
	}{
		{"a public address", "https://93.184.216.34/", nil, ""},
		{"an internal address", "https://10.0.0.1/", nil, FaultAddressRefused},
		{"an internal address in IPv6", "https://[::ffff:10.0.0.1]/", nil, FaultAddressRefused},
		{"metadata", "https://169.254.169.254/", loopback, FaultAddressRefused},
		{"a public name", "https://public.example/", nil, ""},
		{"an internal name", "https://internal.example/", nil, FaultAddressRefused},
		{"a name with one address that is refused", "https://mixed.example/", nil, FaultAddressRefused},
		{"a name that is not known here", "https://unknown.example/", nil, ""},
		{"a name in an allowed range", "https://allowed.example/", loopback, ""},
		{"localhost", "https://localhost/", nil, FaultAddressRefused},
		{"a name below localhost", "https://d1.LOCALHOST./", nil, FaultAddressRefused},
		{"localhost when it is allowed", "https://localhost/", loopback, ""},
		{"an address in one number", "https://2130706433/", loopback, FaultAddressRefused},
		{"an address in two numbers", "https://127.1/", loopback, FaultAddressRefused},
		{"an address in hex", "https://0x7f.0.0.0x1/", loopback, FaultAddressRefused},
		{"an address in octal", "https://0177.0.0.01/", loopback, FaultAddressRefused},
		{"plain to a public name", "http://public.example/", nil, FaultPlainHTTPRefused},
		{"plain to a name that is not known here", "http://unknown.example/", loopback, FaultPlainHTTPRefused},
		{"plain to an allowed range", "http://allowed.example/", loopback, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTestProxy(t, nil)
			p.status(http.StatusForbidden) // whatever comes so far is its decision
			transports := through(t, p.URL, Options{Guard: NewGuard(c.allowed), Resolver: names})
			_, err := do(t, transports, "o", c.url, &serving.Endpoint{}, 10*time.Second)
			want, asked := c.want, 0
			if want == "" {
				want, asked = FaultProxyRefused, 1
			}
			if FaultOf(err) != want {
				t.Errorf("%s, want %s: %v", FaultOf(err), want, err)
			}
			if targets, _ := p.asked(); len(targets) != asked {
				t.Errorf("the proxy was asked for %v", targets)
			}
		})
	}
	// The proxy is given the name, so that it can decide by it.
	p := newTestProxy(t, nil)
	p.hosts["allowed.example:80"] = target
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback), Resolver: names})
	if _, err := do(t, transports, "o", "http://allowed.example/", &serving.Endpoint{}, 10*time.Second); err != nil {
		t.Error(err)
	}
}
