package contract_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func testFraming(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		v.expect(wantA, cases{
			"with its length":        v.n0(),
			"chunked":                v.n0().WithChunks(),
			"Expect: 100-continue":   v.n0().With("Expect", "100-continue"),
			"Expect in capitals":     v.n0().With("Expect", "100-Continue"),
			"Expect and chunked":     v.n0().WithChunks().With("Expect", "100-continue"),
			"TE: trailers":           v.n0().With("TE", "trailers"),
			"fields nobody knows":    v.n0().With("X-Request-Id", "x").With("Traceparent", "00-x").With("Forwarded", "for=1.2.3.4").With("X-Forwarded-For", "1.2.3.4"),
			"a User-Agent":           v.n0().With("User-Agent", "D1/1.0"),
			"no User-Agent":          v.n0().With("User-Agent"),
			"a header field of 8 KB": v.n0().With("X-Long", strings.Repeat("x", 8000)),
			"200 header fields":      manyFields(v.n0(), 200),
		})
		v.expect(wantInvalidToken, cases{"Expect and a bad token": running.N0("x").With("Expect", "100-continue"), "Expect, a bad token and 1 MiB": running.N0("x").With("Expect", "100-continue").WithBody(filled(1 << 20))})
	})
	s.overHTTP1(t, func(v *visit) {
		v.Run("100 Continue comes before the body is sent", func(t *testing.T) {
			c := v.c.For(t)
			n0 := v.n0().With("Expect", "100-continue")
			connection := c.Dial()
			from := bufio.NewReader(connection)
			text := strings.Replace(n0.Text(), n0.Body, "", 1)
			if _, err := connection.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			line, err := from.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
				t.Fatalf("the first line is %q, %v", line, err)
			}
			if _, err := from.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if _, err := connection.Write([]byte(n0.Body)); err != nil {
				t.Fatal(err)
			}
			a, err := c.ReadAnswer(from, n0.Method, n0.Path)
			if err != nil {
				t.Fatal(err)
			}
			wantA.check(t, a)
		})
		v.Run("a bad token is told before the body is sent", func(t *testing.T) {
			c := v.c.For(t)
			n0 := running.N0("x").With("Expect", "100-continue")
			connection := c.Dial()
			if _, err := connection.Write([]byte(strings.Replace(n0.Text(), n0.Body, "", 1))); err != nil {
				t.Fatal(err)
			}
			a, err := c.ReadAnswer(bufio.NewReader(connection), n0.Method, n0.Path)
			if err != nil {
				t.Fatal(err)
			}
			wantInvalidToken.check(t, a)
		})
		v.Run("many on one connection, sent ahead", func(t *testing.T) {
			c := v.c.For(t)
			connection := c.Dial()
			text := strings.Replace(v.n0().Text(), "Connection: close\r\n", "", 1)
			if _, err := connection.Write([]byte(strings.Repeat(text, 20))); err != nil {
				t.Fatal(err)
			}
			from := bufio.NewReader(connection)
			for range 20 {
				a, err := c.ReadAnswer(from, http.MethodPost, v.n0().Path)
				if err != nil {
					t.Fatal(err)
				}
				wantA.check(t, a)
			}
		})
		text := v.n0().Text()
		for name, raw := range map[string]string{
			"absolute form":                strings.Replace(text, " /merchant", " https://localhost/merchant", 1),
			"HTTP/1.0":                     strings.Replace(text, "HTTP/1.1", "HTTP/1.0", 1),
			"HTTP/1.0 without a Host":      strings.Replace(strings.Replace(text, "HTTP/1.1", "HTTP/1.0", 1), "Host: localhost\r\n", "", 1),
			"field names in small letters": strings.NewReplacer("Authorization", "authorization", "Content-Type", "content-type", "X-Correlation-Id", "x-correlation-id").Replace(text),
			"line feeds alone":             strings.ReplaceAll(text, "\r\n", "\n"),
			"two lengths that agree":       strings.Replace(text, "Content-Length", "Content-Length: 35\r\nContent-Length", 1),
		} {
			v.Run(name, func(t *testing.T) { wantA.check(t, v.c.For(t).Raw(http.MethodPost, raw)) })
		}
	})
}

func manyFields(r running.Request, n int) running.Request {
	r.Header = r.Header.Clone()
	for i := range n {
		r.Header[fmt.Sprintf("X-Field-%d", i)] = []string{"x"}
	}
	return r
}
